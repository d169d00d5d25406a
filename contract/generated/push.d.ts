import * as $protobuf from "protobufjs/minimal.js";
import Long = require("long");

/** Namespace push. */
export namespace push {

    /**
     * Properties of a Label.
     * @deprecated Use push.Label.$Properties instead.
     */
    interface ILabel extends push.Label.$Properties {
    }

    /** Represents a Label. */
    class Label {

        /**
         * Constructs a new Label.
         * @param [properties] Properties to set
         */
        constructor(properties?: push.Label.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Label name. */
        name: string;

        /** Label value. */
        value: string;

        /** Label known. */
        known: number;

        /**
         * Encodes the specified Label message. Does not implicitly {@link push.Label.verify|verify} messages.
         * @param message Label message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: push.Label.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Label message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {push.Label & push.Label.$Shape} Label
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): push.Label & push.Label.$Shape;
    }

    namespace Label {

        /** Properties of a Label. */
        interface $Properties {

            /** Label name */
            name?: (string|null);

            /** Label value */
            value?: (string|null);

            /** Label known */
            known?: (number|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a Label. */
        type $Shape = push.Label.$Properties;
    }

    /**
     * Properties of a Gap.
     * @deprecated Use push.Gap.$Properties instead.
     */
    interface IGap extends push.Gap.$Properties {
    }

    /** Represents a Gap. */
    class Gap {

        /**
         * Constructs a new Gap.
         * @param [properties] Properties to set
         */
        constructor(properties?: push.Gap.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Gap from. */
        from: number;

        /** Gap to. */
        to: number;

        /** Gap reason. */
        reason: push.Gap.Reason;

        /**
         * Encodes the specified Gap message. Does not implicitly {@link push.Gap.verify|verify} messages.
         * @param message Gap message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: push.Gap.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Gap message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {push.Gap & push.Gap.$Shape} Gap
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): push.Gap & push.Gap.$Shape;
    }

    namespace Gap {

        /** Properties of a Gap. */
        interface $Properties {

            /** Gap from */
            from?: (number|null);

            /** Gap to */
            to?: (number|null);

            /** Gap reason */
            reason?: (push.Gap.Reason|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a Gap. */
        type $Shape = push.Gap.$Properties;

        /** Reason enum. */
        enum Reason {

            /** UNKNOWN value */
            UNKNOWN = 0,

            /** EVICTED value */
            EVICTED = 1,

            /** SET_ASIDE value */
            SET_ASIDE = 2,

            /** DAMAGED value */
            DAMAGED = 3
        }
    }

    /**
     * Properties of a Clock.
     * @deprecated Use push.Clock.$Properties instead.
     */
    interface IClock extends push.Clock.$Properties {
    }

    /** Represents a Clock. */
    class Clock {

        /**
         * Constructs a new Clock.
         * @param [properties] Properties to set
         */
        constructor(properties?: push.Clock.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Clock wallMs. */
        wallMs: number;

        /** Clock bootMs. */
        bootMs: number;

        /** Clock offsetMs. */
        offsetMs: number;

        /**
         * Encodes the specified Clock message. Does not implicitly {@link push.Clock.verify|verify} messages.
         * @param message Clock message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: push.Clock.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Clock message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {push.Clock & push.Clock.$Shape} Clock
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): push.Clock & push.Clock.$Shape;
    }

    namespace Clock {

        /** Properties of a Clock. */
        interface $Properties {

            /** Clock wallMs */
            wallMs?: (number|null);

            /** Clock bootMs */
            bootMs?: (number|null);

            /** Clock offsetMs */
            offsetMs?: (number|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a Clock. */
        type $Shape = push.Clock.$Properties;
    }

    /**
     * Properties of a Backlog.
     * @deprecated Use push.Backlog.$Properties instead.
     */
    interface IBacklog extends push.Backlog.$Properties {
    }

    /** Represents a Backlog. */
    class Backlog {

        /**
         * Constructs a new Backlog.
         * @param [properties] Properties to set
         */
        constructor(properties?: push.Backlog.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Backlog records. */
        records: number;

        /** Backlog bytes. */
        bytes: number;

        /** Backlog oldestMs. */
        oldestMs: number;

        /**
         * Encodes the specified Backlog message. Does not implicitly {@link push.Backlog.verify|verify} messages.
         * @param message Backlog message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: push.Backlog.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Backlog message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {push.Backlog & push.Backlog.$Shape} Backlog
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): push.Backlog & push.Backlog.$Shape;
    }

    namespace Backlog {

        /** Properties of a Backlog. */
        interface $Properties {

            /** Backlog records */
            records?: (number|null);

            /** Backlog bytes */
            bytes?: (number|null);

            /** Backlog oldestMs */
            oldestMs?: (number|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a Backlog. */
        type $Shape = push.Backlog.$Properties;
    }

    /**
     * Properties of a TargetBatch.
     * @deprecated Use push.TargetBatch.$Properties instead.
     */
    interface ITargetBatch extends push.TargetBatch.$Properties {
    }

    /** Represents a TargetBatch. */
    class TargetBatch {

        /**
         * Constructs a new TargetBatch.
         * @param [properties] Properties to set
         */
        constructor(properties?: push.TargetBatch.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** TargetBatch labels. */
        labels: push.Label.$Properties[];

        /** TargetBatch table. */
        table: Uint8Array;

        /** TargetBatch times. */
        times: Uint8Array;

        /** TargetBatch columns. */
        columns: Uint8Array;

        /** TargetBatch report. */
        report: Uint8Array;

        /** TargetBatch mask. */
        mask: Uint8Array;

        /** TargetBatch labelsHash. */
        labelsHash: Uint8Array;

        /** TargetBatch inline. */
        inline: Uint8Array;

        /** TargetBatch exemplars. */
        exemplars: Uint8Array;

        /** TargetBatch histograms. */
        histograms: Uint8Array;

        /** TargetBatch metadata. */
        metadata: Uint8Array;

        /**
         * Encodes the specified TargetBatch message. Does not implicitly {@link push.TargetBatch.verify|verify} messages.
         * @param message TargetBatch message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: push.TargetBatch.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a TargetBatch message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {push.TargetBatch & push.TargetBatch.$Shape} TargetBatch
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): push.TargetBatch & push.TargetBatch.$Shape;
    }

    namespace TargetBatch {

        /** Properties of a TargetBatch. */
        interface $Properties {

            /** TargetBatch labels */
            labels?: (push.Label.$Properties[]|null);

            /** TargetBatch table */
            table?: (Uint8Array|null);

            /** TargetBatch times */
            times?: (Uint8Array|null);

            /** TargetBatch columns */
            columns?: (Uint8Array|null);

            /** TargetBatch report */
            report?: (Uint8Array|null);

            /** TargetBatch mask */
            mask?: (Uint8Array|null);

            /** TargetBatch labelsHash */
            labelsHash?: (Uint8Array|null);

            /** TargetBatch inline */
            inline?: (Uint8Array|null);

            /** TargetBatch exemplars */
            exemplars?: (Uint8Array|null);

            /** TargetBatch histograms */
            histograms?: (Uint8Array|null);

            /** TargetBatch metadata */
            metadata?: (Uint8Array|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a TargetBatch. */
        type $Shape = push.TargetBatch.$Properties;
    }

    /**
     * Properties of a PushRequest.
     * @deprecated Use push.PushRequest.$Properties instead.
     */
    interface IPushRequest extends push.PushRequest.$Properties {
    }

    /** Represents a PushRequest. */
    class PushRequest {

        /**
         * Constructs a new PushRequest.
         * @param [properties] Properties to set
         */
        constructor(properties?: push.PushRequest.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** PushRequest format. */
        format: number;

        /** PushRequest logId. */
        logId: Uint8Array;

        /** PushRequest stream. */
        stream: number;

        /** PushRequest base. */
        base: number;

        /** PushRequest baseChain. */
        baseChain: Uint8Array;

        /** PushRequest to. */
        to: number;

        /** PushRequest chain. */
        chain: Uint8Array;

        /** PushRequest gaps. */
        gaps: push.Gap.$Properties[];

        /** PushRequest clock. */
        clock?: (push.Clock.$Properties|null);

        /** PushRequest version. */
        version: string;

        /** PushRequest backlog. */
        backlog?: (push.Backlog.$Properties|null);

        /** PushRequest baseMs. */
        baseMs: number;

        /** PushRequest externalLabels. */
        externalLabels: push.Label.$Properties[];

        /** PushRequest targets. */
        targets: push.TargetBatch.$Properties[];

        /**
         * Encodes the specified PushRequest message. Does not implicitly {@link push.PushRequest.verify|verify} messages.
         * @param message PushRequest message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: push.PushRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a PushRequest message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {push.PushRequest & push.PushRequest.$Shape} PushRequest
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): push.PushRequest & push.PushRequest.$Shape;
    }

    namespace PushRequest {

        /** Properties of a PushRequest. */
        interface $Properties {

            /** PushRequest format */
            format?: (number|null);

            /** PushRequest logId */
            logId?: (Uint8Array|null);

            /** PushRequest stream */
            stream?: (number|null);

            /** PushRequest base */
            base?: (number|null);

            /** PushRequest baseChain */
            baseChain?: (Uint8Array|null);

            /** PushRequest to */
            to?: (number|null);

            /** PushRequest chain */
            chain?: (Uint8Array|null);

            /** PushRequest gaps */
            gaps?: (push.Gap.$Properties[]|null);

            /** PushRequest clock */
            clock?: (push.Clock.$Properties|null);

            /** PushRequest version */
            version?: (string|null);

            /** PushRequest backlog */
            backlog?: (push.Backlog.$Properties|null);

            /** PushRequest baseMs */
            baseMs?: (number|null);

            /** PushRequest externalLabels */
            externalLabels?: (push.Label.$Properties[]|null);

            /** PushRequest targets */
            targets?: (push.TargetBatch.$Properties[]|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a PushRequest. */
        type $Shape = push.PushRequest.$Properties;
    }

    /**
     * Properties of a Point.
     * @deprecated Use push.Point.$Properties instead.
     */
    interface IPoint extends push.Point.$Properties {
    }

    /** Represents a Point. */
    class Point {

        /**
         * Constructs a new Point.
         * @param [properties] Properties to set
         */
        constructor(properties?: push.Point.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Point position. */
        position: number;

        /** Point chain. */
        chain: Uint8Array;

        /**
         * Encodes the specified Point message. Does not implicitly {@link push.Point.verify|verify} messages.
         * @param message Point message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: push.Point.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Point message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {push.Point & push.Point.$Shape} Point
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): push.Point & push.Point.$Shape;
    }

    namespace Point {

        /** Properties of a Point. */
        interface $Properties {

            /** Point position */
            position?: (number|null);

            /** Point chain */
            chain?: (Uint8Array|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a Point. */
        type $Shape = push.Point.$Properties;
    }

    /**
     * Properties of a Mask.
     * @deprecated Use push.Mask.$Properties instead.
     */
    interface IMask extends push.Mask.$Properties {
    }

    /** Represents a Mask. */
    class Mask {

        /**
         * Constructs a new Mask.
         * @param [properties] Properties to set
         */
        constructor(properties?: push.Mask.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Mask targets. */
        targets: number[];

        /** Mask rows. */
        rows: Uint8Array;

        /**
         * Encodes the specified Mask message. Does not implicitly {@link push.Mask.verify|verify} messages.
         * @param message Mask message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: push.Mask.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Mask message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {push.Mask & push.Mask.$Shape} Mask
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): push.Mask & push.Mask.$Shape;
    }

    namespace Mask {

        /** Properties of a Mask. */
        interface $Properties {

            /** Mask targets */
            targets?: (number[]|null);

            /** Mask rows */
            rows?: (Uint8Array|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a Mask. */
        type $Shape = push.Mask.$Properties;
    }

    /**
     * Properties of a PushAnswer.
     * @deprecated Use push.PushAnswer.$Properties instead.
     */
    interface IPushAnswer extends push.PushAnswer.$Properties {
    }

    /** Represents a PushAnswer. */
    class PushAnswer {

        /**
         * Constructs a new PushAnswer.
         * @param [properties] Properties to set
         */
        constructor(properties?: push.PushAnswer.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** PushAnswer code. */
        code: push.PushAnswer.Code;

        /** PushAnswer logId. */
        logId: Uint8Array;

        /** PushAnswer position. */
        position: number;

        /** PushAnswer message. */
        message: string;

        /** PushAnswer edgeMs. */
        edgeMs: number;

        /** PushAnswer unknownTables. */
        unknownTables: Uint8Array[];

        /** PushAnswer stored. */
        stored?: (push.Point.$Properties|null);

        /** PushAnswer points. */
        points: push.Point.$Properties[];

        /** PushAnswer minPushIntervalMs. */
        minPushIntervalMs: number;

        /** PushAnswer masks. */
        masks: push.Mask.$Properties[];

        /** PushAnswer configVersion. */
        configVersion: string;

        /** PushAnswer freshWindowMs. */
        freshWindowMs: number;

        /**
         * Encodes the specified PushAnswer message. Does not implicitly {@link push.PushAnswer.verify|verify} messages.
         * @param message PushAnswer message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: push.PushAnswer.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a PushAnswer message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {push.PushAnswer & push.PushAnswer.$Shape} PushAnswer
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): push.PushAnswer & push.PushAnswer.$Shape;
    }

    namespace PushAnswer {

        /** Properties of a PushAnswer. */
        interface $Properties {

            /** PushAnswer code */
            code?: (push.PushAnswer.Code|null);

            /** PushAnswer logId */
            logId?: (Uint8Array|null);

            /** PushAnswer position */
            position?: (number|null);

            /** PushAnswer message */
            message?: (string|null);

            /** PushAnswer edgeMs */
            edgeMs?: (number|null);

            /** PushAnswer unknownTables */
            unknownTables?: (Uint8Array[]|null);

            /** PushAnswer stored */
            stored?: (push.Point.$Properties|null);

            /** PushAnswer points */
            points?: (push.Point.$Properties[]|null);

            /** PushAnswer minPushIntervalMs */
            minPushIntervalMs?: (number|null);

            /** PushAnswer masks */
            masks?: (push.Mask.$Properties[]|null);

            /** PushAnswer configVersion */
            configVersion?: (string|null);

            /** PushAnswer freshWindowMs */
            freshWindowMs?: (number|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a PushAnswer. */
        type $Shape = push.PushAnswer.$Properties;

        /** Code enum. */
        enum Code {

            /** UNSPECIFIED value */
            UNSPECIFIED = 0,

            /** STORED value */
            STORED = 1,

            /** CONFLICT value */
            CONFLICT = 2,

            /** UNKNOWN_TABLES value */
            UNKNOWN_TABLES = 3,

            /** MALFORMED value */
            MALFORMED = 4,

            /** UNAUTHORIZED value */
            UNAUTHORIZED = 5,

            /** FORBIDDEN value */
            FORBIDDEN = 6,

            /** TOO_LARGE value */
            TOO_LARGE = 7,

            /** BUSY value */
            BUSY = 8,

            /** CLOCK value */
            CLOCK = 9,

            /** MOVED value */
            MOVED = 10,

            /** WRONG_MASK value */
            WRONG_MASK = 11
        }
    }
}
