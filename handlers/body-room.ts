/** The room for the bodies of all requests that are under way: many large ones at once must not fill the memory. */
export interface BodyRoom {
  /** The part of one request: nothing at first, and nothing once it is disposed of. */
  claim(): BodyClaim;
  /** What all claims have now. */
  bytes(): number;
}

export interface BodyClaim extends Disposable {
  /** Takes so many bytes more; false, and nothing is taken, where there is no room for them. */
  take(bytes: number): boolean;
}

export function bodyRoom(bytesMax: number): BodyRoom {
  let taken = 0;
  return {
    claim() {
      let own = 0;
      return {
        take(bytes) {
          if (taken + bytes > bytesMax) return false;
          taken += bytes;
          own += bytes;
          return true;
        },
        [Symbol.dispose]() {
          taken -= own;
          own = 0;
        },
      };
    },
    bytes: () => taken,
  };
}
