/**
 * What an operator reads when something is wrong: the fault tests see the program say it, and the page of remedies quotes
 * it (docs/troubleshooting.md). `…` stands for what differs from one machine to the next.
 */
export const MESSAGES = {
  unwritableDirectory:
    'the data directory … is not writable for uid … (… is of uid …, mode …): run chown -R … as root, mount a volume of that user’s, or set STORE_PATH',
  unwritableFile: '… is not writable for uid … (it is of uid …, mode …): run chown -R …',
  readOnly:
    'the data directory … is on a read-only file system: mount a writable volume there, or set STORE_PATH',
  notDirectory: 'the data directory … is not a directory: set STORE_PATH to a file in a directory',
  unmakeable:
    'the data directory … cannot be made or read (…): set STORE_PATH to a file in a directory, such as /data/quota.db',
  isDirectory: '… is a directory: set STORE_PATH to a file in a directory, such as /data/quota.db',
  sharedFileSystem:
    'the data directory … is on … (mounted at …), where SQLite can lose what it recorded: put it on a disk of this machine, with Docker a named volume instead of a bind mount, or set STORE_PATH',
  foreign: '… is not quota-proxy’s: it is … Set STORE_PATH to another file, or move it aside',
  older:
    '… is the database of an older quota-proxy: set STORE_PATH to a new file, and bring its keys over with quota-proxy import …',
  newer:
    '… has schema …, and this version of quota-proxy knows …: start the newer version, or restore a backup that this one made',
  served: '… is served by another quota-proxy: stop that one first, or set STORE_PATH to another file',
  damagedBackups:
    '… is damaged (…) and was left as it is: stop this server, and restore the newest backup with quota-proxy restore latest --force, which keeps this one aside',
  damaged:
    '… is damaged (…) and was left as it is: quota-proxy doctor says what is wrong with it, and BACKUP_TARGET is not set: put back a copy that you have, with quota-proxy restore --from FILE --force, which keeps this one aside',
  lost: '… is missing or empty, and its log … is not: put the database back or restore a backup; to begin anew, move the log aside',
  portInUse:
    '… is in use by another program: stop that one (ss -ltnp "sport = :…" shows which), or set PORT to another',
  noAddress:
    'HOST is ‘…’, which is no address of this machine (PORT …): set it to 127.0.0.1, 0.0.0.0 or one that ip address shows',
  noHost:
    'HOST is ‘…’, a name without an address: set it to 127.0.0.1, 0.0.0.0 or an address of this machine',
  noPort: '… may not be listened on by this user: set PORT to 1024 or more',
  fullAtStart: 'the disk of the data directory … is full: make room there (df -h …)',
  full: 'Nothing can be recorded, and clients get 503: the disk of the data directory … is full: make room there (df -h …)',
  damagedRunning:
    'Nothing can be recorded, and clients get 503: … is damaged (…): stop this server; quota-proxy doctor says what is wrong, and quota-proxy restore latest --force goes on from the newest backup',
  locked:
    'Nothing can be recorded, and clients get 503: … is locked by another program: end what writes to it (fuser … shows who)',
  logFull:
    'Nothing can be recorded, and clients get 503: the log … may not grow any more, because another program has been reading … all the while: end that one (fuser … shows who)',
  logLong:
    'The log … has … MB and grows as long as another program reads …: end that one (fuser … shows who).',
  wellAgain: 'The store records again.',
  nearlyFull: 'The disk of … is nearly full: … MB are free. Make room there.',
  allInUse:
    'All connections are in use, and new ones are refused: see who has them (ss -tn), or raise MAX_CONNECTIONS and the memory limit.',
  unreachable:
    'The upstream … cannot be reached (…): check UPSTREAM_BASE_URL, and that this machine may connect there; clients get 502',
  timedOut:
    'The upstream … did not answer in time (…): see whether it is up; UPSTREAM_TIMEOUT_MS is how long is waited; clients get 504',
  refused:
    'The upstream … refuses UPSTREAM_API_KEY: set it to a key that is valid there (it answered 401); clients get 503',
  forbidden:
    'The upstream … does not let UPSTREAM_API_KEY do this: see there what the key may do, and from where (it answered 403); clients get 503',
  noBalance:
    'The upstream … says that the balance or quota of its account is used up: top it up, or set another UPSTREAM_API_KEY (it answered …); clients get 503',
  elsewhere:
    'The upstream … leads elsewhere: set UPSTREAM_BASE_URL to where it leads (it answered …); clients get 503',
  answersAgain: 'The upstream … answers again.',
  impossibleClock:
    'the clock says …: set it (timedatectl set-ntp true), then start again; what is recorded at a wrong time spoils every window after it',
  littleMemory:
    'this process may use … MB of memory, and needs … MB: raise the limit (deploy.resources.limits.memory in docker-compose.yml, docker run --memory) to 256M',
  scarceMemory:
    'This process may use … MB of memory: … MB are enough for a few hundred streams at once. Raise the limit (deploy.resources.limits.memory in docker-compose.yml) to 256M.',
  setForward:
    'The clock was set forward by …, to …: quotas whose window ended in between have begun anew. If that is wrong, compare it with date -u, and let the machine keep it by NTP (timedatectl set-ntp true)',
  setBack:
    'The clock was set back by …, to …: quotas go on in the window that they had reached until the clock gets there again. If that is wrong, compare it with date -u, and let the machine keep it by NTP (timedatectl set-ntp true)',
  behind:
    'The clock says …, … before the last entry of the ledger (…): quotas go on in the window of that entry until the clock gets there. If the clock is wrong, compare it with date -u, and let the machine keep it by NTP (timedatectl set-ntp true)',
} as const;

export type MessageName = keyof typeof MESSAGES;

/** Matches what the message looks like with anything in the place of `…`, alone or within a line. */
export function patternOf(name: MessageName): RegExp {
  const parts = MESSAGES[name].replaceAll(/[’‘]/g, "'").split('…');
  return new RegExp(parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.+'));
}
