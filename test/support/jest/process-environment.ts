// Jest's `testEnvironment`: the process itself. What a suite changes of it most easily is put back after it, so that none meets what another left.

// biome-ignore lint/style/noDefaultExport: jest takes the default export.
export default class ProcessEnvironment {
  readonly global = globalThis;
  /** Jest's runtime wants one; it makes no mocks, so it has none to restore. */
  readonly moduleMocker = { restoreAllMocks: (): void => {} };
  readonly #before = {
    variables: { ...process.env },
    folder: process.cwd(),
    exit: process.exit,
    exitCode: process.exitCode,
    console: globalThis.console,
  };

  async setup(): Promise<void> {}

  async teardown(): Promise<void> {
    const { variables, folder, exit, exitCode, console } = this.#before;
    for (const name of Object.keys(process.env)) if (!(name in variables)) delete process.env[name];
    Object.assign(process.env, variables);
    process.chdir(folder);
    process.exit = exit;
    process.exitCode = exitCode;
    globalThis.console = console;
  }

  exportConditions(): readonly string[] {
    return ['node', 'node-addons'];
  }

  /** There is none: Node's own context is the suite's. */
  getVmContext(): null {
    return null;
  }
}
