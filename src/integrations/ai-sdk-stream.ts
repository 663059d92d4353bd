import type { Instant } from "../index.js";
import type { Said, StreamPart } from "./ai-sdk-call.js";

export interface Metering {
  /** Waits until what `ended` said is written. Rejects when it cannot be, which ends the stream with that error. */
  settled(): Promise<void>;
  /** Gives the reservation more time. */
  renew(): void;
  readonly renewEveryMs: number;
  readonly signal: AbortSignal | undefined;
  readonly now: () => Instant;
}

/** How a stream came to its end. */
export interface StreamEnd {
  /** Known from the `finish` part; `null` when it was cut off before by an error, an abort or a reader who left. */
  readonly said: Said | null;
  /** It told of an error, broke or was aborted. */
  readonly failed: boolean;
}

/**
 * Passes a model's stream on, and tells in `ended` what it used. The reader sees `finish`, the end or the error when it is settled.
 */
export function meteredStream(
  source: ReadableStream<StreamPart>,
  { renew, renewEveryMs, signal, now, ...metering }: Metering,
): { readonly stream: ReadableStream<StreamPart>; readonly ended: Promise<StreamEnd> } {
  const reader = source.getReader();
  let end!: (how: StreamEnd) => void;
  const ended = new Promise<StreamEnd>((resolve) => {
    end = resolve;
  });
  let renewedAt = now();
  let images = 0;
  let failed = false;
  let id: string | undefined;
  let abort = () => {};
  let settling: Promise<void> | undefined;
  const settled = () => {
    settling ??= metering.settled();
    return settling;
  };

  const look = (part: StreamPart) => {
    if (part.type === "response-metadata") id = isBlank(part.id) ? id : part.id;
    else if (part.type === "file") images += imagesIn([part]);
    else if (part.type === "error") failed = true;
    else if (part.type === "finish") {
      failed ||= part.finishReason.unified === "error";
      end({ said: { usage: part.usage, id, images, failed }, failed });
      return true;
    }
    return false;
  };

  const stream = new ReadableStream<StreamPart>(
    {
      start(controller) {
        // A reader may have left without a word, and the source may not know the signal.
        abort = () => {
          end({ said: null, failed: true });
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
            end({ said: null, failed });
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
          end({ said: null, failed: true });
          await settled();
          throw error;
        }
      },
      async cancel(reason) {
        signal?.removeEventListener("abort", abort);
        end({ said: null, failed });
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

function isBlank(id: string | undefined): boolean {
  return typeof id !== "string" || id.trim() === "";
}
