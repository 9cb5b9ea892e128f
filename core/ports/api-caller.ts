// The port to the platform's own API, for programs of ours that declare on somebody's behalf.

export interface ApiAsk {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; absent: no body. */
  readonly body?: unknown;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed; null where there was none. */
  readonly body: unknown;
}

/** Guarantee: an answer, whatever its status; throws where there was none, and then the request may have been carried out. */
export type ApiCaller = (ask: ApiAsk, caller: string) => Promise<ApiAnswer>;
