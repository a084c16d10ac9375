export type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment sets, by the settings' own names. */
export type GivenSettings = Readonly<Record<string, GivenSetting>>;

interface GivenSetting {
  /** The name it was given under: the setting's own or its alias. */
  readonly name: string;
  readonly value: string;
}

const ALIASES: Readonly<Record<string, string>> = {
  UPSTREAM_BASE_URL: 'DEEPSEEK_BASE_URL',
  UPSTREAM_API_KEY: 'DEEPSEEK_API_KEY',
  STORE_PATH: 'SQLITE_PATH',
};

const SECRETS: ReadonlySet<string> = new Set([
  'ADMIN_TOKEN',
  'METRICS_TOKEN',
  'UPSTREAM_API_KEY',
  // The address of a webhook is often a secret itself.
  'WEBHOOK_URL',
  'WEBHOOK_SECRET',
  'KEY_PEPPER',
  'BACKUP_ENCRYPTION_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
]);

/** What an operator may expect to work, and must not be ignored in silence. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  STORE_URL: 'this version keeps everything in SQLite: unset it, and set STORE_PATH',
};

/** Takes aliases for the names that they stand for. A variable that is empty or blank is not set. */
export function givenSettings(env: Environment, problems: string[]): GivenSettings {
  const settingOf = (name: string) => env[name]?.trim() || undefined;
  for (const [name, why] of Object.entries(UNSUPPORTED)) {
    if (settingOf(name) !== undefined) problems.push(`${name} is set, and ${why}`);
  }
  const given: Record<string, GivenSetting> = {};
  for (const name of Object.keys(env)) {
    const value = settingOf(name);
    if (value !== undefined) given[name] = { name, value };
  }
  for (const [name, alias] of Object.entries(ALIASES)) {
    const byAlias = given[alias];
    if (byAlias === undefined) continue;
    if (given[name] !== undefined && given[name].value !== byAlias.value) {
      problems.push(`${name} and ${alias} stand for the same and differ: unset one of them`);
    }
    given[name] ??= byAlias;
  }
  return given;
}

/** A setting and its value, as a problem names it. A secret's value is never shown, nor what of a URL may be one. */
export function described(name: string, given: GivenSettings): string {
  const setting = given[name];
  if (setting === undefined) return name;
  if (SECRETS.has(name)) return setting.name;
  // `https:user:password@host`, without the slashes, is such a URL, too.
  const shown = setting.value.replace(/(:[/\\]*).*@/, '$1…@').replace(/(:.*?[?#]).*/, '$1…');
  return `${setting.name} is '${shown}'`;
}
