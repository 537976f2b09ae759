/** Where the library's few log lines go. pino, winston's and console's loggers fit as they are. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Says nothing: the default of a library. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
