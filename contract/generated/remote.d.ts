import * as $protobuf from "protobufjs/minimal.js";
import Long = require("long");

/** Namespace prometheus. */
export namespace prometheus {

    /**
     * Properties of a Label.
     * @deprecated Use prometheus.Label.$Properties instead.
     */
    interface ILabel extends prometheus.Label.$Properties {
    }

    /** Represents a Label. */
    class Label {

        /**
         * Constructs a new Label.
         * @param [properties] Properties to set
         */
        constructor(properties?: prometheus.Label.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Label name. */
        name: string;

        /** Label value. */
        value: string;

        /**
         * Encodes the specified Label message. Does not implicitly {@link prometheus.Label.verify|verify} messages.
         * @param message Label message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: prometheus.Label.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Label message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {prometheus.Label & prometheus.Label.$Shape} Label
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): prometheus.Label & prometheus.Label.$Shape;
    }

    namespace Label {

        /** Properties of a Label. */
        interface $Properties {

            /** Label name */
            name?: (string|null);

            /** Label value */
            value?: (string|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a Label. */
        type $Shape = prometheus.Label.$Properties;
    }

    /**
     * Properties of a Sample.
     * @deprecated Use prometheus.Sample.$Properties instead.
     */
    interface ISample extends prometheus.Sample.$Properties {
    }

    /** Represents a Sample. */
    class Sample {

        /**
         * Constructs a new Sample.
         * @param [properties] Properties to set
         */
        constructor(properties?: prometheus.Sample.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Sample value. */
        value: number;

        /** Sample timestamp. */
        timestamp: number;

        /**
         * Encodes the specified Sample message. Does not implicitly {@link prometheus.Sample.verify|verify} messages.
         * @param message Sample message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: prometheus.Sample.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Sample message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {prometheus.Sample & prometheus.Sample.$Shape} Sample
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): prometheus.Sample & prometheus.Sample.$Shape;
    }

    namespace Sample {

        /** Properties of a Sample. */
        interface $Properties {

            /** Sample value */
            value?: (number|null);

            /** Sample timestamp */
            timestamp?: (number|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a Sample. */
        type $Shape = prometheus.Sample.$Properties;
    }

    /**
     * Properties of a RawTimeSeries.
     * @deprecated Use prometheus.RawTimeSeries.$Properties instead.
     */
    interface IRawTimeSeries extends prometheus.RawTimeSeries.$Properties {
    }

    /** Represents a RawTimeSeries. */
    class RawTimeSeries {

        /**
         * Constructs a new RawTimeSeries.
         * @param [properties] Properties to set
         */
        constructor(properties?: prometheus.RawTimeSeries.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** RawTimeSeries labels. */
        labels: prometheus.Label.$Properties[];

        /** RawTimeSeries samples. */
        samples: Uint8Array[];

        /** RawTimeSeries exemplars. */
        exemplars: Uint8Array[];

        /** RawTimeSeries histograms. */
        histograms: Uint8Array[];

        /**
         * Encodes the specified RawTimeSeries message. Does not implicitly {@link prometheus.RawTimeSeries.verify|verify} messages.
         * @param message RawTimeSeries message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: prometheus.RawTimeSeries.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a RawTimeSeries message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {prometheus.RawTimeSeries & prometheus.RawTimeSeries.$Shape} RawTimeSeries
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): prometheus.RawTimeSeries & prometheus.RawTimeSeries.$Shape;
    }

    namespace RawTimeSeries {

        /** Properties of a RawTimeSeries. */
        interface $Properties {

            /** RawTimeSeries labels */
            labels?: (prometheus.Label.$Properties[]|null);

            /** RawTimeSeries samples */
            samples?: (Uint8Array[]|null);

            /** RawTimeSeries exemplars */
            exemplars?: (Uint8Array[]|null);

            /** RawTimeSeries histograms */
            histograms?: (Uint8Array[]|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a RawTimeSeries. */
        type $Shape = prometheus.RawTimeSeries.$Properties;
    }

    /**
     * Properties of a RawWriteRequest.
     * @deprecated Use prometheus.RawWriteRequest.$Properties instead.
     */
    interface IRawWriteRequest extends prometheus.RawWriteRequest.$Properties {
    }

    /** Represents a RawWriteRequest. */
    class RawWriteRequest {

        /**
         * Constructs a new RawWriteRequest.
         * @param [properties] Properties to set
         */
        constructor(properties?: prometheus.RawWriteRequest.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** RawWriteRequest timeseries. */
        timeseries: prometheus.RawTimeSeries.$Properties[];

        /** RawWriteRequest metadata. */
        metadata: Uint8Array[];

        /**
         * Encodes the specified RawWriteRequest message. Does not implicitly {@link prometheus.RawWriteRequest.verify|verify} messages.
         * @param message RawWriteRequest message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: prometheus.RawWriteRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a RawWriteRequest message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {prometheus.RawWriteRequest & prometheus.RawWriteRequest.$Shape} RawWriteRequest
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): prometheus.RawWriteRequest & prometheus.RawWriteRequest.$Shape;
    }

    namespace RawWriteRequest {

        /** Properties of a RawWriteRequest. */
        interface $Properties {

            /** RawWriteRequest timeseries */
            timeseries?: (prometheus.RawTimeSeries.$Properties[]|null);

            /** RawWriteRequest metadata */
            metadata?: (Uint8Array[]|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a RawWriteRequest. */
        type $Shape = prometheus.RawWriteRequest.$Properties;
    }
}
