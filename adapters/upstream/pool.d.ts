// The package's front door loads all of it, with fetch, caches and mocks. This is the one part that is used.
declare module 'undici/lib/dispatcher/pool.js' {
  import { Pool } from 'undici';
  export = Pool;
}
