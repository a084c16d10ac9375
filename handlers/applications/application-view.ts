import type { Application, KeyTerms } from '#core/applications.ts';
import { applicationStatusOf, endsAt, shownUntil } from '#core/applications.ts';
import type { Instant } from '#core/model.ts';

const DAY_MS = 24 * 60 * 60_000;

/** An application as its operator sees it. */
export function applicationView(application: Application, at: Instant) {
  const { id, name, contact, reason, madeAt, verdict, claim } = application;
  return {
    id,
    name,
    contact,
    reason,
    status: applicationStatusOf(application, at),
    created_at: madeAt,
    ends_at: endsAt(application),
    decided_at: verdict?.at ?? null,
    decided_by: verdict?.by ?? null,
    rejection_reason: verdict?.kind === 'rejected' ? verdict.reason : null,
    terms: verdict?.kind === 'approved' ? termsView(verdict.terms) : null,
    claimed_at: claim?.at ?? null,
    key_id: claim?.keyId ?? null,
  };
}

/** An application as the applicant sees it: of the key what its holder will see of it, and nothing that is the operator's. */
export function applicantView(application: Application, at: Instant) {
  const { id, name, status, created_at, ends_at, rejection_reason, terms } = applicationView(application, at);
  const key_terms = terms && holderView(terms);
  const key_shown_until = shownUntil(application, at);
  return { id, name, status, created_at, ends_at, rejection_reason, key_terms, key_shown_until };
}

function termsView({ expiry, requestsPerMinute, maxConcurrency, ...terms }: KeyTerms) {
  return {
    label: terms.label,
    expires_in_days: expiry.kind === 'after' ? expiry.spanMs / DAY_MS : null,
    expires_at: expiry.kind === 'at' ? expiry.at : null,
    quotas: terms.quotas.map((quota) => ({ ...quota })),
    models: terms.models && [...terms.models],
    ips: terms.ips && [...terms.ips],
    requests_per_minute: requestsPerMinute,
    max_concurrency: maxConcurrency,
    metadata: { ...terms.metadata },
  };
}

function holderView({ expires_in_days, expires_at, quotas, models }: ReturnType<typeof termsView>) {
  return { expires_in_days, expires_at, quotas, models };
}
