from django.urls import path

from accounts import invitation_views, reset_views, views
from accounts.oidc import views as oidc_views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("password/", views.change_password, name="password"),
    path("password/reset/", reset_views.request_reset, name="reset"),
    path("password/reset/sent/", reset_views.reset_sent, name="reset-sent"),
    path("password/reset/<uidb64>/<token>/", reset_views.reset, name="reset-confirm"),
    path("oidc/start/", oidc_views.start, name="oidc-start"),
    path("oidc/return/", oidc_views.come_back, name="oidc-return"),
    path("invitations/", invitation_views.invitations_page, name="invitations"),
    path("invitations/<int:invitation_id>/withdraw/", invitation_views.revoke, name="withdraw"),
    path("invitation/<str:secret>/", invitation_views.accept, name="accept"),
]
