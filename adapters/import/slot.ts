import type { Instant } from '#core/model.ts';

/**
 * Zones differ from UTC by multiples of a quarter of an hour: what a log has is added up in SQL, which knows no zones,
 * for each quarter, and then here by local days.
 */
export const SLOT_SECONDS = 900;

/** When the slot with this number begins. */
export function slotStart(slot: unknown): Instant {
  return Number(slot) * SLOT_SECONDS * 1000;
}
