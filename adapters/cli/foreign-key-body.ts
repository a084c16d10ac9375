import type { ForeignKey } from '#adapters/container/compose-import.ts';
import type { ForeignKeyBody } from '#handlers/admin/contract/keys-import.ts';

/** A key of another system in the words of the admin API. `from` is the name of that system, kept with the key. */
export function foreignKeyBody(key: ForeignKey, from: string): ForeignKeyBody {
  const { secret, label, createdAt, expiresAt, disabled, quotas, models, ips, days } = key;
  return {
    secret,
    label,
    expires_at: expiresAt,
    disabled,
    models: models && [...models],
    ips: ips && [...ips],
    metadata: { imported_from: from },
    ...(createdAt !== null && { created_at: createdAt }),
    ...(quotas !== null && { quotas: [...quotas] }),
    usage: days.map(({ day, requests, errors, prompt, completion, costMicros }) => ({
      day,
      requests,
      ...(errors > 0 && { errors }),
      ...(prompt > 0 && { prompt_tokens: prompt }),
      ...(completion > 0 && { completion_tokens: completion }),
      ...(costMicros > 0 && { cost_micros: costMicros }),
    })),
  };
}
