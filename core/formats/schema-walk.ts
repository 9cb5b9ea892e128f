// How far a schema's types are followed: a name may be used anywhere, so a small text can mean very many types, and go very deep.
import { limits } from '#core/limits.ts';
import { SchemaRefused } from './format-fault.ts';

/** The schema asks for too much, whichever of its branches are taken: it ends every try to find one that goes. */
export class SchemaTooLarge extends SchemaRefused {}

/** One way through the types of one schema, or of two that are read against each other. */
export class SchemaWalk {
  #levels = 0;
  #steps = 0;
  #defaultBytes = 0;

  /** Throws SchemaTooLarge. Every `enter` that did not throw has its `leave`. */
  enter(): void {
    if (this.#levels >= limits.schemaLevelsMax)
      throw new SchemaTooLarge(`the schema’s types lie more than ${limits.schemaLevelsMax} deep in each other`);
    this.step();
    this.#levels++;
  }

  leave(): void {
    this.#levels--;
  }

  step(): void {
    if (++this.#steps > limits.schemaStepsMax)
      throw new SchemaTooLarge(
        `the schema means more than ${limits.schemaStepsMax} types when all its names are followed`,
      );
  }

  /** Defaults may stand in defaults: their sum is bounded too. */
  keepDefault(byteCount: number): void {
    this.#defaultBytes += byteCount;
    if (this.#defaultBytes > limits.decodedBytesMax)
      throw new SchemaTooLarge(`the schema’s defaults are more than ${limits.decodedBytesMax} bytes`);
  }
}
