// How a sink is shown who writes to it: a secret by its name, never by its text; or a signature by the worker's own role on AWS.
import * as z from 'zod';
import { declaredName } from '#core/spec/declared-name.ts';

export const authSchemes = ['basic', 'bearer', 'api-key'] as const;

const headerName = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9][A-Za-z0-9-]*$/, 'expected the name of an HTTP header, such as X-Api-Key');

const declaredSecretAuth = z.strictObject({
  secret: declaredName.meta({ description: 'The name of a secret, set with `millrace secret set <name>`.' }),
  scheme: z.enum(authSchemes).optional().meta({
    description:
      'What stands in `Authorization`: `basic` (the secret is `user:password`), `bearer`, or `api-key`. Default basic for opensearch, bearer for http.',
  }),
  header: headerName.optional().meta({ description: 'The secret goes into this header as it is, instead.' }),
});

const oneOfSchemeAndHeader = [
  (auth: { readonly scheme?: string | undefined; readonly header?: string | undefined }): boolean =>
    auth.scheme === undefined || auth.header === undefined,
  'got scheme and header, expected one of them',
] as const;

export const declaredAuth = declaredSecretAuth.refine(...oneOfSchemeAndHeader);

export type AuthSpec =
  | { readonly secret: string; readonly scheme: (typeof authSchemes)[number] }
  | { readonly secret: string; readonly scheme: 'header'; readonly header: string };

export function completeAuth(
  declared: z.infer<typeof declaredAuth> | undefined,
  scheme: (typeof authSchemes)[number],
): AuthSpec | null {
  if (declared === undefined) return null;
  return declared.header === undefined
    ? { secret: declared.secret, scheme: declared.scheme ?? scheme }
    : { secret: declared.secret, scheme: 'header', header: declared.header.toLowerCase() };
}

/**
 * Signatures are made for these only: with one for DynamoDB, S3 or STS a route could do in the worker's name what only the
 * worker is to do.
 */
const signedServices = ['es', 'aoss', 'execute-api', 'lambda', 'vpc-lattice-svcs'] as const;
export type SignedService = (typeof signedServices)[number];

const declaredAws = z.strictObject({
  service: z.enum(signedServices).meta({
    description:
      'Its name in signatures: `es` (OpenSearch Service), `aoss` (Serverless), `execute-api` (API Gateway), `lambda` (function URLs), `vpc-lattice-svcs`.',
  }),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'expected the name of an AWS region, such as eu-west-1')
    .optional()
    .meta({ description: 'Of the service. Default the worker’s own.' }),
});

/** A sink may also be shown the worker's own role on AWS. */
export const declaredSinkAuth = declaredSecretAuth
  .partial({ secret: true })
  .extend({
    aws: declaredAws.optional().meta({
      description: 'Requests are signed (AWS SigV4) by the role that the worker runs under: there is no secret.',
    }),
  })
  .refine(...oneOfSchemeAndHeader)
  .refine((auth) => (auth.secret === undefined) !== (auth.aws === undefined), 'expected either secret or aws')
  .refine(
    ({ aws, scheme, header }) => aws === undefined || (scheme === undefined && header === undefined),
    'got aws with scheme or header, which say where a secret goes',
  );

/** Region null: the worker's own. */
export interface AwsAuthSpec {
  readonly scheme: 'aws';
  readonly service: SignedService;
  readonly region: string | null;
}

export type SinkAuthSpec = AuthSpec | AwsAuthSpec;

export function completeSinkAuth(
  declared: z.infer<typeof declaredSinkAuth> | undefined,
  scheme: (typeof authSchemes)[number],
): SinkAuthSpec | null {
  if (declared === undefined) return null;
  const { aws, secret, ...where } = declared;
  if (aws !== undefined) return { scheme: 'aws', service: aws.service, region: aws.region ?? null };
  return secret === undefined ? null : completeAuth({ secret, ...where }, scheme);
}
