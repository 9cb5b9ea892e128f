// What a caller may do within its tenant: a role a token, and the role that each request needs. What is not listed needs the highest.
import { ApiRefusal } from '#functions/api/refusal.ts';

/** `viewer` reads, events included; `editor` declares and operates; `admin` also does what reaches across teams. */
export type Role = 'viewer' | 'editor' | 'admin';

const roles: readonly Role[] = ['viewer', 'editor', 'admin'];

/** Requests that are no GET and still change nothing, and those that change what one owner has. */
const needed: Readonly<Record<string, Role>> = {
  plan: 'viewer',
  sql: 'viewer',
  tryRoute: 'viewer',
  appendRecords: 'editor',
  applyDocuments: 'editor',
  putStream: 'editor',
  deleteStream: 'editor',
  undeleteStream: 'editor',
  putRoute: 'editor',
  deleteRoute: 'editor',
  undeleteRoute: 'editor',
  rollbackRoute: 'editor',
  requestOperation: 'editor',
  setJobConfig: 'editor',
  clearJobConfig: 'editor',
  setTeamConfig: 'editor',
  clearTeamConfig: 'editor',
  freezeTeam: 'editor',
  unfreezeTeam: 'editor',
  freezeJob: 'editor',
  unfreezeJob: 'editor',
};

interface Asked {
  readonly method: string;
  readonly operationId: string;
}

export const roleNeeded = ({ method, operationId }: Asked): Role =>
  method === 'GET' ? 'viewer' : (needed[operationId] ?? 'admin');

/** An issuer that says no roles gives everybody all. A word that is no role is nobody's. */
export function roleIn(claim: unknown): Role {
  if (claim === undefined || claim === '') return 'admin';
  const role = roles.find((each) => each === claim);
  if (role === undefined)
    throw new ApiRefusal(403, 'role-invalid', `the token names a role that is none; expected ${roles.join(', ')}`);
  return role;
}

export function requireRole(asked: Asked, { author, role }: { readonly author: string; readonly role: Role }): void {
  const wanted = roleNeeded(asked);
  if (roles.indexOf(role) >= roles.indexOf(wanted)) return;
  throw new ApiRefusal(
    403,
    'role-insufficient',
    `${asked.operationId} needs the role ${wanted}; ${author} is ${role}`,
    {
      fix: `ask somebody who is ${wanted} to do it`,
    },
  );
}
