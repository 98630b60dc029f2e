# TCS in an image: docker build --tag tcs .      compose.yaml runs it; docs/operating.md has a section about it.

FROM python:3.11-slim AS packages
# The index of torch without CUDA. For a graphics card: docker build --build-arg TORCH_INDEX=https://pypi.org/simple .
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# What else to install, of requirements-*.txt: docker build --build-arg WITH="dask milvus" .
ARG WITH=
WORKDIR /opt/tcs
RUN python -m venv /opt/tcs/.venv
COPY requirements.txt requirements-web.txt requirements-model.txt requirements-dask.txt requirements-milvus.txt ./
RUN for each in $WITH; do more="$more -r requirements-$each.txt"; done; \
    .venv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary=:all: \
    --extra-index-url "$TORCH_INDEX" -r requirements.txt $more

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin tcs \
    && install --directory --owner=tcs --group=tcs --mode=0700 /data /data/documents /data/photos /data/imports
WORKDIR /opt/tcs
COPY --from=packages /opt/tcs/.venv .venv
COPY manage.py ./
COPY accounts accounts
COPY experts experts
COPY indexing indexing
COPY locale locale
COPY static static
COPY tcs_site tcs_site
COPY templates templates
RUN .venv/bin/python -m compileall -q accounts experts indexing tcs_site
ENV PATH=/opt/tcs/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TCS_DATA_DIR=/data \
    HOST=0.0.0.0
USER tcs
VOLUME /data
EXPOSE 8000
# The first start loads samples and builds the first version before it listens.
HEALTHCHECK --interval=10s --timeout=5s --start-period=15m CMD \
    ["python", "-c", "import urllib.request; urllib.request.urlopen('http://localhost:8000/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
CMD ["python", "manage.py", "serve"]
