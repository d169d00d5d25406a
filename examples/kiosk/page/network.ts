/** Plays a network that is gone: requests to one origin fail as a browser lets them fail, and the page is told. */
export interface Network {
  readonly offline: boolean;
  setOffline(offline: boolean): void;
}

export function watchNetwork(edgeOrigin: string): Network {
  let offline = false;
  const plain = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, location.href);
    if (offline && url.origin === edgeOrigin) return Promise.reject(new TypeError('Failed to fetch (offline, as you wished)'));
    return plain(input, init);
  };
  return {
    get offline() {
      return offline;
    },
    setOffline(to) {
      offline = to;
      globalThis.dispatchEvent(new Event(to ? 'offline' : 'online'));
    },
  };
}
