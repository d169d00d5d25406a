/** What DNS discovery needs of the system's resolver. */
export interface Resolver {
  /** One question to the name servers that are configured now. Rejects with {@link ResolverError}. */
  resolve(question: Question, signal: AbortSignal): Promise<readonly DnsRecord[]>;
  /** How names that are not complete are to be completed (resolv.conf). */
  searchPath(): Promise<SearchPath>;
}
export interface Question {
  /** Complete, with or without the final dot. */
  readonly name: string;
  readonly type: 'SRV' | 'A' | 'AAAA' | 'MX' | 'NS';
}
export interface DnsRecord {
  /** An address; for SRV, MX and NS a name without the final dot. */
  readonly target: string;
  /** Of SRV records. */
  readonly port?: number;
}
export interface SearchPath {
  /** Domains to append, in order. */
  readonly search: readonly string[];
  /** A name with fewer dots is looked up with the domains first. */
  readonly ndots: number;
}

export class ResolverError extends Error {
  override name = 'ResolverError';
  /** True: the servers say that there is no such name. False: they could not be asked, or could not say. */
  readonly noSuchName: boolean;
  constructor(noSuchName: boolean, message: string, options?: ErrorOptions) {
    super(message, options);
    this.noSuchName = noSuchName;
  }
}
