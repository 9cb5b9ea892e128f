// How values stand in DynamoDB's attributes. Whole records are JSON text: it is a tenth of the work of nested attributes.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { PlatformError } from '#core/errors.ts';
import type { Item } from './client.ts';

export const text = (value: string): AttributeValue => ({ S: value });
/** Also takes decimal text: DynamoDB's numbers hold 38 digits, JavaScript's 15. */
export const number = (value: number | string): AttributeValue => ({ N: String(value) });
export const json = (value: unknown): AttributeValue => ({ S: JSON.stringify(value) });

export const readText = (item: Item, name: string): string => item[name]?.S ?? missing(item, name);
export const readTextOrNull = (item: Item, name: string): string | null => item[name]?.S ?? null;
export const readNumber = (item: Item, name: string): number => Number(readDecimal(item, name));
export const readDecimal = (item: Item, name: string): string => item[name]?.N ?? missing(item, name);
/** The caller knows what it wrote: the type is not checked again. */
export const readJson = <Value>(item: Item, name: string): Value => JSON.parse(readText(item, name)) as Value;

function missing(item: Item, name: string): never {
  const key = `${item['pk']?.S ?? '?'} ${item['sk']?.S ?? '?'}`;
  throw new PlatformError(
    'dynamodb-item-damaged',
    `the item ${key} has no ${name}; was it written by another program?`,
    {
      fault: 'external',
      retry: 'no-retry',
    },
  );
}
