// What a .proto file declares, once its names are resolved.

export const scalarKinds = [
  'double',
  'float',
  'int32',
  'int64',
  'uint32',
  'uint64',
  'sint32',
  'sint64',
  'fixed32',
  'fixed64',
  'sfixed32',
  'sfixed64',
  'bool',
  'string',
  'bytes',
] as const;
export type ScalarKind = (typeof scalarKinds)[number];

export interface ProtoEnum {
  readonly kind: 'enum';
  readonly name: string;
  readonly numbers: ReadonlyMap<string, number>;
  /** Of several names for one number the first. */
  readonly names: ReadonlyMap<number, string>;
}

/** Its fields are filled in after all types are known, since they may lead back to it. */
export interface ProtoMessage {
  readonly kind: 'message';
  /** With its package. */
  readonly name: string;
  fields: readonly ProtoField[];
  /** Those that are declared inside, in order: by which a record names its type. */
  readonly nested: ProtoMessage[];
}

export type ProtoType = { readonly kind: ScalarKind } | ProtoEnum | ProtoMessage;

export interface ProtoField {
  readonly name: string;
  /** As JSON usually calls it: lower camel case. */
  readonly jsonName: string;
  readonly number: number;
  readonly type: ProtoType;
  /** The key's type, where the field is a map. */
  readonly key: ScalarKind | null;
  readonly repeated: boolean;
  readonly packed: boolean;
  /** implicit: a field that is not there is zero. explicit: it is not there. */
  readonly presence: 'implicit' | 'explicit' | 'required';
  /** Of which group of alternatives, by its place among the message's; null: of none. */
  readonly oneof: number | null;
  /** As the schema writes it; null: there is none. */
  readonly defaultText: string | null;
}
