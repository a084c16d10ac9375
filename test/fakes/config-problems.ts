import { readConfig } from '#adapters/container/config.ts';
import { ConfigError } from '#adapters/container/config-error.ts';

/** What is wrong with an environment; empty: nothing. */
export function configProblems(env: Readonly<Record<string, string>>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
