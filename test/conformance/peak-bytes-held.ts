import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const PAUSE_MS = 10;

/**
 * Does work, and tells the most bytes of buffers, beyond those before it, that were in use meanwhile.
 * What is garbage is not in use, which takes a collection to know: only `bytesMax` is worth one.
 */
export async function peakBytesHeld<T>(
  bytesMax: number,
  work: () => Promise<T>,
): Promise<{ bytes: number; result: T }> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  // Buffers are given back behind a collection; the next one waits for that.
  const collect = () => {
    gc();
    gc();
  };
  const bytesOfBuffers = () => process.memoryUsage().arrayBuffers;

  collect();
  const before = bytesOfBuffers();
  let peak = before;
  const watch = setInterval(() => {
    if (bytesOfBuffers() >= before + bytesMax) collect();
    peak = Math.max(peak, bytesOfBuffers());
  }, PAUSE_MS);
  try {
    return { result: await work(), bytes: peak - before };
  } finally {
    clearInterval(watch);
  }
}
