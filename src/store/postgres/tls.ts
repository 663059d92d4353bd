import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { AlphaError } from "../../errors.js";

interface TlsParameters {
  readonly sslmode?: string;
  readonly sslrootcert?: string;
  readonly sslcert?: string;
  readonly sslkey?: string;
  readonly sslnegotiation?: string;
}

/**
 * How to encrypt, as libpq means the same parameters: `require` encrypts without knowing whom it talks to, unless there
 * is a root certificate; `verify-ca` wants it to have signed the server's, `verify-full` also the server's name in it.
 */
export function tlsFrom(
  given: TlsParameters,
  env: Readonly<Record<string, string | undefined>>,
): false | ConnectionOptions {
  const rootCertificate = given.sslrootcert ?? env.PGSSLROOTCERT;
  const mode = given.sslmode ?? env.PGSSLMODE ?? impliedMode(given, rootCertificate);
  const identity = {
    ...fileOption("cert", "sslcert", given.sslcert ?? env.PGSSLCERT),
    ...fileOption("key", "sslkey", given.sslkey ?? env.PGSSLKEY),
    // Node's own certificates are what libpq calls the system's.
    ...(rootCertificate === "system" ? {} : fileOption("ca", "sslrootcert", rootCertificate)),
  };
  switch (mode) {
    case "disable":
      if (given.sslnegotiation !== "direct") return false;
      throw new AlphaError("config", "sslnegotiation=direct encrypts, and sslmode=disable does not", {
        hint: "leave one of them out",
      });
    case "require":
      if (rootCertificate === undefined) return { ...identity, rejectUnauthorized: false };
      return { ...identity, checkServerIdentity: () => undefined };
    case "verify-ca":
      if (rootCertificate === undefined) {
        throw new AlphaError("config", "sslmode=verify-ca needs the certificate to check against", {
          hint: "name its file with sslrootcert, or use sslmode=verify-full",
        });
      }
      return { ...identity, checkServerIdentity: () => undefined };
    case "verify-full":
      return identity;
    case "allow":
    case "prefer":
      throw new AlphaError(
        "config",
        `sslmode=${mode} may send everything unencrypted, so it is not offered`,
        {
          hint: "use verify-full, verify-ca or require, or say disable",
        },
      );
    default:
      throw new AlphaError(
        "config",
        "the sslmode of the PostgreSQL address, or PGSSLMODE, is none that there is",
        {
          hint: "use verify-full, verify-ca, require or disable",
        },
      );
  }
}

/** Whoever says how to encrypt wants it encrypted. */
function impliedMode(
  { sslcert, sslnegotiation }: TlsParameters,
  rootCertificate: string | undefined,
): string {
  if (rootCertificate !== undefined) return "verify-full";
  return sslcert !== undefined || sslnegotiation === "direct" ? "require" : "disable";
}

function fileOption(option: "ca" | "cert" | "key", name: string, path: string | undefined) {
  if (path === undefined) return {};
  try {
    return { [option]: readFileSync(path, "utf8") };
  } catch (error) {
    throw new AlphaError("config", `the file ${path} that ${name} names cannot be read`, {
      hint: "check that it is there, and who may read it",
      cause: error,
    });
  }
}
