import type { Instant, UsageReport } from "../index.js";
import { type StreamPart, usageOf } from "./ai-sdk-call.js";

export interface Metering {
  /** Waits until what `ended` said is written. Rejects when it cannot be, which ends the stream with that error. */
  settled(): Promise<void>;
  /** Gives the reservation more time. */
  renew(): void;
  readonly renewEveryMs: number;
  readonly signal: AbortSignal | undefined;
  readonly now: () => Instant;
}

/**
 * Passes a model's stream on, and tells in `ended` what it used: known from its `finish` part, `null` when it was cut
 * off before by an error, an abort or a reader who left. The reader sees `finish`, the end or the error when it is settled.
 */
export function meteredStream(
  source: ReadableStream<StreamPart>,
  { renew, renewEveryMs, signal, now, ...metering }: Metering,
): { readonly stream: ReadableStream<StreamPart>; readonly ended: Promise<UsageReport | null> } {
  const reader = source.getReader();
  let end!: (usage: UsageReport | null) => void;
  const ended = new Promise<UsageReport | null>((resolve) => {
    end = resolve;
  });
  let renewedAt = now();
  let images = 0;
  let failed = false;
  let providerId: string | undefined;
  let abort = () => {};
  let settling: Promise<void> | undefined;
  const settled = () => {
    settling ??= metering.settled();
    return settling;
  };

  const look = (part: StreamPart) => {
    if (part.type === "response-metadata") providerId = part.id ?? providerId;
    else if (part.type === "file") images += imagesIn([part]);
    else if (part.type === "error") failed = true;
    else if (part.type === "finish") {
      const usage = usageOf(part.usage);
      const status = failed || part.finishReason.unified === "error" ? "error" : "ok";
      end(
        usage === null
          ? null
          : { ...usage, images, status, ...(providerId === undefined ? {} : { providerId }) },
      );
      return true;
    }
    return false;
  };

  const stream = new ReadableStream<StreamPart>(
    {
      start(controller) {
        // A reader may have left without a word, and the source may not know the signal.
        abort = () => {
          end(null);
          const reason: unknown = signal?.reason;
          reader.cancel(reason).catch(() => {});
          settled().then(
            () => controller.error(reason),
            (error) => controller.error(error),
          );
        };
        if (signal?.aborted) abort();
        else signal?.addEventListener("abort", abort, { once: true });
      },
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (signal?.aborted) return;
          if (done) {
            signal?.removeEventListener("abort", abort);
            end(null);
            await settled();
            controller.close();
            return;
          }
          if (look(value)) {
            signal?.removeEventListener("abort", abort);
            await settled();
          } else if (now() - renewedAt >= renewEveryMs) {
            renewedAt = now();
            renew();
          }
          controller.enqueue(value);
        } catch (error) {
          signal?.removeEventListener("abort", abort);
          end(null);
          await settled();
          throw error;
        }
      },
      async cancel(reason) {
        signal?.removeEventListener("abort", abort);
        end(null);
        await reader.cancel(reason);
        await settled();
      },
    },
    // Nothing is read ahead of the reader: what it does not take, it does not pay for.
    { highWaterMark: 0 },
  );
  return { stream, ended };
}

/** How many of the files that a model made are images. */
export function imagesIn(content: readonly { readonly type: string; readonly mediaType?: string }[]): number {
  return content.filter(({ type, mediaType }) => type === "file" && mediaType?.startsWith("image/")).length;
}
