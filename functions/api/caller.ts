// Who asks, and why: from the gateway's authorizer; on a laptop, from headers of the caller's own.
import type { APIGatewayProxyEventV2, APIGatewayProxyEventV2WithJWTAuthorizer } from 'aws-lambda';
import { limits } from '#core/limits.ts';
import { defaultTenant } from '#core/names.ts';
import { namePattern } from '#core/spec/declared-name.ts';
import type { Caller } from '#functions/api/endpoint.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';
import { roleIn } from '#functions/api/roles.ts';

interface Authorized {
  readonly requestContext: {
    readonly authorizer?: Partial<APIGatewayProxyEventV2WithJWTAuthorizer['requestContext']['authorizer']> & {
      readonly iam?: { readonly userArn?: string };
    };
  };
}

/** Behind an authorizer a header of the caller's own counts for nothing. */
export function callerOf(
  event: APIGatewayProxyEventV2,
  headers: Readonly<Record<string, string>>,
  identity: 'authorizer' | 'header',
): Caller {
  if (identity === 'header')
    return {
      ...{ tenant: defaultTenant, author: authorIn(headers) || 'local', role: 'admin' },
      teams: teamsIn(headers['millrace-teams']),
    };
  const { authorizer } = (event as Partial<Authorized>).requestContext ?? {};
  // An AWS identity of the platform's own account; a role's ends with the name of its session, which is the person's.
  const arn = authorizer?.iam?.userArn;
  if (typeof arn === 'string' && arn !== '')
    // Which requests it may make is IAM's to say (`execute-api:Invoke` on methods and paths).
    return { tenant: defaultTenant, author: arn.slice(-limits.authorCharsMax), teams: null, role: 'admin' };
  const claims = authorizer?.jwt?.claims ?? {};
  const author = claims['email'] ?? claims['sub'];
  if (typeof author !== 'string' || author === '')
    throw new ApiRefusal(403, 'caller-unknown', 'the gateway did not say who asks');
  const teams = claims['custom:teams'];
  return {
    ...{ tenant: tenantOf(claims['custom:tenant']), author, role: roleIn(claims['custom:role']) },
    teams: teamsIn(typeof teams === 'string' ? teams : undefined),
  };
}

const teamsIn = (text: string | undefined): readonly string[] | null =>
  text === undefined
    ? null
    : text
        .split(',')
        .map((team) => team.trim())
        .filter((team) => team !== '');

/** What somebody else's team owns is not changed, deleted, stopped or frozen by a caller whose teams are known. */
export function requireOwner({ author, teams }: Caller, owner: string, what: string): void {
  if (teams === null || teams.includes(owner)) return;
  throw new ApiRefusal(
    403,
    'not-yours',
    `${what} belongs to ${JSON.stringify(owner)}; ${author} acts for ${teams.length === 0 ? 'no team' : teams.join(', ')}`,
    { fix: `ask ${owner} to do it` },
  );
}

/** It becomes part of topics, keys and paths: what is no name is nobody's. */
function tenantOf(claim: unknown): string {
  if (claim === undefined || claim === '') return defaultTenant;
  if (typeof claim === 'string' && claim.length <= limits.nameCharsMax && namePattern.test(claim)) return claim;
  throw new ApiRefusal(403, 'tenant-invalid', 'the token names a tenant that cannot be one');
}

function authorIn(headers: Readonly<Record<string, string>>): string {
  const name = 'millrace-author';
  const charsMax = limits.authorCharsMax;
  const text = (headers[name] ?? '').trim();
  if (text.length > charsMax || /[\0-\x1f\x7f]/.test(text))
    throw new ApiRefusal(
      400,
      'header-invalid',
      `got a ${name} of ${text.length} characters, expected one line of at most ${charsMax}`,
    );
  return text;
}

/** Why a change is made: `?reason=…`, or the header where that is easier. */
export const reasonOf = (request: {
  readonly headers: Readonly<Record<string, string>>;
  readonly search: { readonly reason?: string | undefined };
}): string => request.search.reason ?? request.headers['millrace-reason'] ?? '';

/** Under the same key the same request is carried out once. */
export const idempotencyKeyOf = (headers: Readonly<Record<string, string>>): { readonly idempotencyKey?: string } =>
  headers['idempotency-key'] === undefined ? {} : { idempotencyKey: headers['idempotency-key'] };
