/** Requests to the service: its token, its errors, and waiting while it is busy. */

import { $ } from "./dom.js";
import { t } from "./language.js";

const TOKEN = "spacy-xner token";
const MAX_WAITS = 6;

/** The service refused, or failed; `status` is 0 if it could not be reached. */
export class ServiceError extends Error {
  constructor(message, status, detail) {
    super(message);
    this.status = status;
    this.detail = detail;
  }
}

let login = null;

/** Ask for the token once, however many requests wait for it. Returns whether one was given. */
function askToken(wasWrong) {
  login ??= new Promise((resolve) => {
    const dialog = $("login");
    $("token-hint").textContent = t(wasWrong ? "token_wrong" : "token_hint");
    $("token").value = "";
    dialog.returnValue = "";
    dialog.addEventListener(
      "close",
      () => {
        const isGiven = dialog.returnValue === "ok" && $("token").value !== "";
        if (isGiven) sessionStorage.setItem(TOKEN, $("token").value);
        $("token").value = "";
        login = null;
        resolve(isGiven);
      },
      { once: true },
    );
    dialog.showModal();
  });
  return login;
}

function sleep(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

async function send(path, body, signal) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = { ...(body && { "Content-Type": "application/json" }), ...(token && { Authorization: `Bearer ${token}` }) };
  const method = body ? "POST" : "GET";
  try {
    const response = await fetch(path, { method, headers, body: body && JSON.stringify(body), signal });
    return { response, token };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw new ServiceError(t("error_offline"), 0, String(error));
  }
}

async function detailOf(response) {
  try {
    const { detail } = await response.json();
    return typeof detail === "string" ? detail : JSON.stringify(detail);
  } catch {
    return response.statusText;
  }
}

function explain(status, detail, wait) {
  if (status === 401) return t("error_token");
  if (status === 413) return t("error_too_large", { detail });
  if (status === 415 || status === 422) return t("error_content", { detail });
  if (status === 503) return t("error_busy", { n: wait });
  return t("error_other", { status: String(status), detail });
}

/** Return the seconds to wait, which the service may also give as a date. */
function readWait(response) {
  const value = response.headers.get("Retry-After") ?? "";
  const seconds = /^\d+$/.test(value) ? Number(value) : Math.ceil((Date.parse(value) - Date.now()) / 1000);
  return Math.max(1, Math.min(60, seconds || 1));
}

/**
 * Send a request, and again after a token was given, or when a busy service has said when to.
 * @param {string} path - Relative to the page, so that it may stand behind any prefix.
 * @param {Object|null} body - Sent as JSON; null for a GET.
 * @param {{signal?: AbortSignal, onWait?: (seconds: number) => void}} options
 * @returns {Promise<Response>}
 */
export async function request(path, body = null, { signal, onWait } = {}) {
  for (let waits = 0; ; ) {
    const { response, token } = await send(path, body, signal);
    if (response.ok) return response;
    const wait = readWait(response);
    if (response.status === 401) {
      // Another request may have asked meanwhile.
      const isNewer = sessionStorage.getItem(TOKEN) !== token;
      if (isNewer || (await askToken(token !== null))) continue;
    } else if (response.status === 503 && waits++ < MAX_WAITS) {
      onWait?.(wait);
      await sleep(wait, signal);
      continue;
    }
    const detail = await detailOf(response);
    throw new ServiceError(explain(response.status, detail, wait), response.status, detail);
  }
}
