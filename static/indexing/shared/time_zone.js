// Tells the server the browser's time zone, so that it writes times as the reader's clock shows them.
"use strict";
{
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const cookie = `tcs_time_zone=${timeZone}`;
  if (timeZone && !document.cookie.split("; ").includes(cookie)) {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `${cookie}; path=/; max-age=31536000; samesite=lax${secure}`;
  }
}
