// The port to AWS signatures: a request is shown to be the worker's own, with nothing secret in it.
import type { AwsAuthSpec } from '#core/spec/sinks/auth.ts';

export interface SignableRequest {
  readonly method: string;
  /** With the port, where the request's URL has one. */
  readonly host: string;
  /** Path and query, as sent. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
}

/**
 * Guarantees: the signature covers method, host, path, query, body and all headers of the request but those that may change on
 * the way; it is made anew at each call, since it holds for minutes only.
 */
export interface RequestSigner {
  /** The headers to be added. Throws a PlatformError while there are no credentials. */
  sign(request: SignableRequest, auth: AwsAuthSpec): Promise<Readonly<Record<string, string>>>;
}
