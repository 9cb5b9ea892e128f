// Jest's globalTeardown of the integration project: stops what start-parts.ts started, and deletes its data.
// biome-ignore lint/style/noDefaultExport: jest takes the default export.
export default async function stopParts(): Promise<void> {
  await Promise.all((globalThis.millraceTestParts ?? []).map((part) => part[Symbol.asyncDispose]()));
}
