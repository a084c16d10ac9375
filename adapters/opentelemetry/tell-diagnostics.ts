import { DiagLogLevel, diag } from '@opentelemetry/api';
import type { Observer } from '#core/observer.ts';
import type { Clock } from '#core/ports.ts';

/** What the SDK may say while it is busy, it may say with every span. */
const PAUSE_MS = 60_000;
const TEXT_LENGTH_MAX = 300;

/**
 * Lets the SDK tell what it warns of, such as spans that were dropped or that the collector refused: one line a minute.
 * Its errors are exports that failed, which `openExporter` tells. There is one such listener in a process.
 */
export function tellDiagnostics(clock: Clock, observer: Pick<Observer, 'noticed'>): Disposable {
  let quietUntilMs = Number.NEGATIVE_INFINITY;
  const warn = (...words: readonly unknown[]) => {
    const nowMs = clock.elapsedMs();
    if (nowMs < quietUntilMs) return;
    quietUntilMs = nowMs + PAUSE_MS;
    observer.noticed('The tracing SDK warns.', {
      warning: words.map(String).join(' ').slice(0, TEXT_LENGTH_MAX),
    });
  };
  const nothing = () => {};
  const logger = { warn, error: nothing, info: nothing, debug: nothing, verbose: nothing };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  return { [Symbol.dispose]: () => diag.disable() };
}
