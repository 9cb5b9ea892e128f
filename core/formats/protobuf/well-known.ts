// The types that every .proto file may import, as far as records hold them; and those that JSON has a form of its own for.

export const wellKnownProto = `
syntax = "proto3";
package google.protobuf;
message Timestamp { int64 seconds = 1; int32 nanos = 2; }
message Duration { int64 seconds = 1; int32 nanos = 2; }
message DoubleValue { double value = 1; }
message FloatValue { float value = 1; }
message Int64Value { int64 value = 1; }
message UInt64Value { uint64 value = 1; }
message Int32Value { int32 value = 1; }
message UInt32Value { uint32 value = 1; }
message BoolValue { bool value = 1; }
message StringValue { string value = 1; }
message BytesValue { bytes value = 1; }
message Any { string type_url = 1; bytes value = 2; }
message Empty {}
message FieldMask { repeated string paths = 1; }
message Struct { map<string, Value> fields = 1; }
message Value {
  oneof kind {
    NullValue null_value = 1;
    double number_value = 2;
    string string_value = 3;
    bool bool_value = 4;
    Struct struct_value = 5;
    ListValue list_value = 6;
  }
}
enum NullValue { NULL_VALUE = 0; }
message ListValue { repeated Value values = 1; }
`;

const prefix = 'google.protobuf.';
const forms = {
  Timestamp: 'timestamp',
  Duration: 'duration',
  DoubleValue: 'wrapper',
  FloatValue: 'wrapper',
  Int64Value: 'wrapper',
  UInt64Value: 'wrapper',
  Int32Value: 'wrapper',
  UInt32Value: 'wrapper',
  BoolValue: 'wrapper',
  StringValue: 'wrapper',
  BytesValue: 'wrapper',
  Struct: 'struct',
  Value: 'value',
  ListValue: 'list',
} as const;

export type WellKnown = (typeof forms)[keyof typeof forms];

/** Null: a message like any other. */
export function wellKnownOf(name: string): WellKnown | null {
  const own = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return Object.hasOwn(forms, own) ? forms[own as keyof typeof forms] : null;
}

/** Of a Duration, as its definition bounds it: some 10,000 years. */
export const isTooLong = (seconds: number | bigint): boolean => seconds > 315_576_000_000 || seconds < -315_576_000_000;
