// How a sink is shown who writes to it: a secret by its name, never by its text.
import { z } from 'zod';
import { declaredName } from '#core/spec/declared-name.ts';

export const authSchemes = ['basic', 'bearer', 'api-key'] as const;

const headerName = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9][A-Za-z0-9-]*$/, 'expected the name of an HTTP header, such as X-Api-Key');

export const declaredAuth = z
  .strictObject({
    secret: declaredName.meta({ description: 'The name of a secret, set with `millrace secret set <name>`.' }),
    scheme: z.enum(authSchemes).optional().meta({
      description:
        'What stands in `Authorization`: `basic` (the secret is `user:password`), `bearer`, or `api-key`. Default basic for opensearch, bearer for http.',
    }),
    header: headerName.optional().meta({ description: 'The secret goes into this header as it is, instead.' }),
  })
  .refine(
    (auth) => auth.scheme === undefined || auth.header === undefined,
    'got scheme and header, expected one of them',
  );

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
