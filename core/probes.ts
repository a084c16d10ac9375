/** Routes asked for all the time, by nobody who wants anything. */
export const PROBES: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz', '/metrics']);
