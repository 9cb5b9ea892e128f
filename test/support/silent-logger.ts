// A logger for what is not looked at.
import type { Logger } from '#core/ports/logger.ts';

export const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, with: () => silent };
