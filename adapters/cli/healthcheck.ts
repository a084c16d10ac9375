import { readToolConfig } from '#adapters/container/config.ts';
import { CommandFailed } from './command-failed.ts';

const ANSWER_MS_MAX = 3000;

/** Asks the server whether it can serve and its store can commit. @throws CommandFailed if not, or too late */
export async function healthcheck(): Promise<void> {
  const { baseUrl } = readToolConfig();
  const url = `${baseUrl.replace(/\/+$/, '')}/healthz`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) }).catch((cause: unknown) => {
    throw new CommandFailed(`There is no answer from ${url}. Is the proxy running?`, { cause });
  });
  if (!answer.ok) throw new CommandFailed(`${url} answers ${answer.status}: ${await answer.text()}`);
}
