export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What a command needs of the machine. */
export interface Rim {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly fetch: Fetch;
  /** The token of an edge on this machine, where it has one. */
  readonly localAdminToken: () => Promise<string | undefined>;
}
