/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-mixed-operators, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars, default-case, jsdoc/require-param*/
import $protobuf from "protobufjs/minimal.js";

// Common aliases
const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;
const $Object = $util.global.Object, $undefined = $util.global.undefined, $Error = $util.global.Error, $RangeError = $util.global.RangeError;

// Exported root namespace
const $root = $protobuf.roots["push"] || ($protobuf.roots["push"] = {});

export const push = $root.push = (() => {

    /**
     * Namespace push.
     * @exports push
     * @namespace
     */
    const push = {};

    push.Label = (function() {

        /**
         * Properties of a Label.
         * @typedef {Object} push.Label.$Properties
         * @property {string|null} [name] Label name
         * @property {string|null} [value] Label value
         * @property {number|null} [known] Label known
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a Label.
         * @memberof push
         * @interface ILabel
         * @augments push.Label.$Properties
         * @deprecated Use push.Label.$Properties instead.
         */

        /**
         * Shape of a Label.
         * @typedef {push.Label.$Properties} push.Label.$Shape
         */

        /**
         * Constructs a new Label.
         * @memberof push
         * @classdesc Represents a Label.
         * @constructor
         * @param {push.Label.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const Label = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * Label name.
         * @member {string} name
         * @memberof push.Label
         * @instance
         */
        Label.prototype.name = "";

        /**
         * Label value.
         * @member {string} value
         * @memberof push.Label
         * @instance
         */
        Label.prototype.value = "";

        /**
         * Label known.
         * @member {number} known
         * @memberof push.Label
         * @instance
         */
        Label.prototype.known = 0;

        /**
         * Encodes the specified Label message. Does not implicitly {@link push.Label.verify|verify} messages.
         * @function encode
         * @memberof push.Label
         * @static
         * @param {push.Label.$Properties} message Label message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        Label.encode = function (message, writer, _depth) {
            if (!writer)
                writer = new $Writer();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.name != null && $Object.hasOwnProperty.call(message, "name") && message.name !== "")
                writer.uint32(/* id 1, wireType 2 =*/10).string(message.name);
            if (message.value != null && $Object.hasOwnProperty.call(message, "value") && message.value !== "")
                writer.uint32(/* id 2, wireType 2 =*/18).string(message.value);
            if (message.known != null && $Object.hasOwnProperty.call(message, "known") && message.known !== 0)
                writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.known);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a Label message from the specified reader or buffer.
         * @function decode
         * @memberof push.Label
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {push.Label & push.Label.$Shape} Label
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        Label.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.push.Label();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.name = value;
                        else
                            delete message.name;
                        continue;
                    }
                case 2: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.value = value;
                        else
                            delete message.value;
                        continue;
                    }
                case 3: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.uint32())
                            message.known = value;
                        else
                            delete message.known;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        return Label;
    })();

    push.Gap = (function() {

        /**
         * Properties of a Gap.
         * @typedef {Object} push.Gap.$Properties
         * @property {number|null} [from] Gap from
         * @property {number|null} [to] Gap to
         * @property {push.Gap.Reason|null} [reason] Gap reason
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a Gap.
         * @memberof push
         * @interface IGap
         * @augments push.Gap.$Properties
         * @deprecated Use push.Gap.$Properties instead.
         */

        /**
         * Shape of a Gap.
         * @typedef {push.Gap.$Properties} push.Gap.$Shape
         */

        /**
         * Constructs a new Gap.
         * @memberof push
         * @classdesc Represents a Gap.
         * @constructor
         * @param {push.Gap.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const Gap = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * Gap from.
         * @member {number} from
         * @memberof push.Gap
         * @instance
         */
        Gap.prototype.from = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

        /**
         * Gap to.
         * @member {number} to
         * @memberof push.Gap
         * @instance
         */
        Gap.prototype.to = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

        /**
         * Gap reason.
         * @member {push.Gap.Reason} reason
         * @memberof push.Gap
         * @instance
         */
        Gap.prototype.reason = 0;

        /**
         * Encodes the specified Gap message. Does not implicitly {@link push.Gap.verify|verify} messages.
         * @function encode
         * @memberof push.Gap
         * @static
         * @param {push.Gap.$Properties} message Gap message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        Gap.encode = function (message, writer, _depth) {
            if (!writer)
                writer = new $Writer();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.from != null && $Object.hasOwnProperty.call(message, "from") && (typeof message.from === "object" ? message.from.low || message.from.high : message.from !== 0))
                writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.from);
            if (message.to != null && $Object.hasOwnProperty.call(message, "to") && (typeof message.to === "object" ? message.to.low || message.to.high : message.to !== 0))
                writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.to);
            if (message.reason != null && $Object.hasOwnProperty.call(message, "reason") && message.reason !== 0)
                writer.uint32(/* id 3, wireType 0 =*/24).int32(message.reason);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a Gap message from the specified reader or buffer.
         * @function decode
         * @memberof push.Gap
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {push.Gap & push.Gap.$Shape} Gap
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        Gap.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.push.Gap();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                            message.from = value;
                        else
                            delete message.from;
                        continue;
                    }
                case 2: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                            message.to = value;
                        else
                            delete message.to;
                        continue;
                    }
                case 3: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.int32())
                            message.reason = value;
                        else
                            delete message.reason;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Reason enum.
         * @name push.Gap.Reason
         * @enum {number}
         * @property {number} UNKNOWN=0 UNKNOWN value
         * @property {number} EVICTED=1 EVICTED value
         * @property {number} SET_ASIDE=2 SET_ASIDE value
         * @property {number} DAMAGED=3 DAMAGED value
         */
        Gap.Reason = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "UNKNOWN"] = 0;
            values[valuesById[1] = "EVICTED"] = 1;
            values[valuesById[2] = "SET_ASIDE"] = 2;
            values[valuesById[3] = "DAMAGED"] = 3;
            return values;
        })();

        return Gap;
    })();

    push.Clock = (function() {

        /**
         * Properties of a Clock.
         * @typedef {Object} push.Clock.$Properties
         * @property {number|null} [wallMs] Clock wallMs
         * @property {number|null} [bootMs] Clock bootMs
         * @property {number|null} [offsetMs] Clock offsetMs
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a Clock.
         * @memberof push
         * @interface IClock
         * @augments push.Clock.$Properties
         * @deprecated Use push.Clock.$Properties instead.
         */

        /**
         * Shape of a Clock.
         * @typedef {push.Clock.$Properties} push.Clock.$Shape
         */

        /**
         * Constructs a new Clock.
         * @memberof push
         * @classdesc Represents a Clock.
         * @constructor
         * @param {push.Clock.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const Clock = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * Clock wallMs.
         * @member {number} wallMs
         * @memberof push.Clock
         * @instance
         */
        Clock.prototype.wallMs = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        /**
         * Clock bootMs.
         * @member {number} bootMs
         * @memberof push.Clock
         * @instance
         */
        Clock.prototype.bootMs = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        /**
         * Clock offsetMs.
         * @member {number} offsetMs
         * @memberof push.Clock
         * @instance
         */
        Clock.prototype.offsetMs = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        /**
         * Encodes the specified Clock message. Does not implicitly {@link push.Clock.verify|verify} messages.
         * @function encode
         * @memberof push.Clock
         * @static
         * @param {push.Clock.$Properties} message Clock message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        Clock.encode = function (message, writer, _depth) {
            if (!writer)
                writer = new $Writer();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.wallMs != null && $Object.hasOwnProperty.call(message, "wallMs") && (typeof message.wallMs === "object" ? message.wallMs.low || message.wallMs.high : message.wallMs !== 0))
                writer.uint32(/* id 1, wireType 0 =*/8).int64(message.wallMs);
            if (message.bootMs != null && $Object.hasOwnProperty.call(message, "bootMs") && (typeof message.bootMs === "object" ? message.bootMs.low || message.bootMs.high : message.bootMs !== 0))
                writer.uint32(/* id 2, wireType 0 =*/16).int64(message.bootMs);
            if (message.offsetMs != null && $Object.hasOwnProperty.call(message, "offsetMs") && (typeof message.offsetMs === "object" ? message.offsetMs.low || message.offsetMs.high : message.offsetMs !== 0))
                writer.uint32(/* id 4, wireType 0 =*/32).int64(message.offsetMs);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a Clock message from the specified reader or buffer.
         * @function decode
         * @memberof push.Clock
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {push.Clock & push.Clock.$Shape} Clock
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        Clock.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.push.Clock();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.int64()) === "object" ? value.low || value.high : value !== 0)
                            message.wallMs = value;
                        else
                            delete message.wallMs;
                        continue;
                    }
                case 2: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.int64()) === "object" ? value.low || value.high : value !== 0)
                            message.bootMs = value;
                        else
                            delete message.bootMs;
                        continue;
                    }
                case 4: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.int64()) === "object" ? value.low || value.high : value !== 0)
                            message.offsetMs = value;
                        else
                            delete message.offsetMs;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        return Clock;
    })();

    push.Backlog = (function() {

        /**
         * Properties of a Backlog.
         * @typedef {Object} push.Backlog.$Properties
         * @property {number|null} [records] Backlog records
         * @property {number|null} [bytes] Backlog bytes
         * @property {number|null} [oldestMs] Backlog oldestMs
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a Backlog.
         * @memberof push
         * @interface IBacklog
         * @augments push.Backlog.$Properties
         * @deprecated Use push.Backlog.$Properties instead.
         */

        /**
         * Shape of a Backlog.
         * @typedef {push.Backlog.$Properties} push.Backlog.$Shape
         */

        /**
         * Constructs a new Backlog.
         * @memberof push
         * @classdesc Represents a Backlog.
         * @constructor
         * @param {push.Backlog.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const Backlog = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * Backlog records.
         * @member {number} records
         * @memberof push.Backlog
         * @instance
         */
        Backlog.prototype.records = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

        /**
         * Backlog bytes.
         * @member {number} bytes
         * @memberof push.Backlog
         * @instance
         */
        Backlog.prototype.bytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

        /**
         * Backlog oldestMs.
         * @member {number} oldestMs
         * @memberof push.Backlog
         * @instance
         */
        Backlog.prototype.oldestMs = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        /**
         * Encodes the specified Backlog message. Does not implicitly {@link push.Backlog.verify|verify} messages.
         * @function encode
         * @memberof push.Backlog
         * @static
         * @param {push.Backlog.$Properties} message Backlog message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        Backlog.encode = function (message, writer, _depth) {
            if (!writer)
                writer = new $Writer();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.records != null && $Object.hasOwnProperty.call(message, "records") && (typeof message.records === "object" ? message.records.low || message.records.high : message.records !== 0))
                writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.records);
            if (message.bytes != null && $Object.hasOwnProperty.call(message, "bytes") && (typeof message.bytes === "object" ? message.bytes.low || message.bytes.high : message.bytes !== 0))
                writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.bytes);
            if (message.oldestMs != null && $Object.hasOwnProperty.call(message, "oldestMs") && (typeof message.oldestMs === "object" ? message.oldestMs.low || message.oldestMs.high : message.oldestMs !== 0))
                writer.uint32(/* id 3, wireType 0 =*/24).int64(message.oldestMs);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a Backlog message from the specified reader or buffer.
         * @function decode
         * @memberof push.Backlog
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {push.Backlog & push.Backlog.$Shape} Backlog
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        Backlog.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.push.Backlog();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                            message.records = value;
                        else
                            delete message.records;
                        continue;
                    }
                case 2: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                            message.bytes = value;
                        else
                            delete message.bytes;
                        continue;
                    }
                case 3: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.int64()) === "object" ? value.low || value.high : value !== 0)
                            message.oldestMs = value;
                        else
                            delete message.oldestMs;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        return Backlog;
    })();

    push.TargetBatch = (function() {

        /**
         * Properties of a TargetBatch.
         * @typedef {Object} push.TargetBatch.$Properties
         * @property {Array.<push.Label.$Properties>|null} [labels] TargetBatch labels
         * @property {Uint8Array|null} [table] TargetBatch table
         * @property {Uint8Array|null} [times] TargetBatch times
         * @property {Uint8Array|null} [columns] TargetBatch columns
         * @property {Uint8Array|null} [report] TargetBatch report
         * @property {Uint8Array|null} [mask] TargetBatch mask
         * @property {Uint8Array|null} [labelsHash] TargetBatch labelsHash
         * @property {Uint8Array|null} [inline] TargetBatch inline
         * @property {Uint8Array|null} [exemplars] TargetBatch exemplars
         * @property {Uint8Array|null} [histograms] TargetBatch histograms
         * @property {Uint8Array|null} [metadata] TargetBatch metadata
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a TargetBatch.
         * @memberof push
         * @interface ITargetBatch
         * @augments push.TargetBatch.$Properties
         * @deprecated Use push.TargetBatch.$Properties instead.
         */

        /**
         * Shape of a TargetBatch.
         * @typedef {push.TargetBatch.$Properties} push.TargetBatch.$Shape
         */

        /**
         * Constructs a new TargetBatch.
         * @memberof push
         * @classdesc Represents a TargetBatch.
         * @constructor
         * @param {push.TargetBatch.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const TargetBatch = function (properties) {
            this.labels = [];
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * TargetBatch labels.
         * @member {Array.<push.Label.$Properties>} labels
         * @memberof push.TargetBatch
         * @instance
         */
        TargetBatch.prototype.labels = $util.emptyArray;

        /**
         * TargetBatch table.
         * @member {Uint8Array} table
         * @memberof push.TargetBatch
         * @instance
         */
        TargetBatch.prototype.table = $util.newBuffer([]);

        /**
         * TargetBatch times.
         * @member {Uint8Array} times
         * @memberof push.TargetBatch
         * @instance
         */
        TargetBatch.prototype.times = $util.newBuffer([]);

        /**
         * TargetBatch columns.
         * @member {Uint8Array} columns
         * @memberof push.TargetBatch
         * @instance
         */
        TargetBatch.prototype.columns = $util.newBuffer([]);

        /**
         * TargetBatch report.
         * @member {Uint8Array} report
         * @memberof push.TargetBatch
         * @instance
         */
        TargetBatch.prototype.report = $util.newBuffer([]);

        /**
         * TargetBatch mask.
         * @member {Uint8Array} mask
         * @memberof push.TargetBatch
         * @instance
         */
        TargetBatch.prototype.mask = $util.newBuffer([]);

        /**
         * TargetBatch labelsHash.
         * @member {Uint8Array} labelsHash
         * @memberof push.TargetBatch
         * @instance
         */
        TargetBatch.prototype.labelsHash = $util.newBuffer([]);

        /**
         * TargetBatch inline.
         * @member {Uint8Array} inline
         * @memberof push.TargetBatch
         * @instance
         */
        TargetBatch.prototype.inline = $util.newBuffer([]);

        /**
         * TargetBatch exemplars.
         * @member {Uint8Array} exemplars
         * @memberof push.TargetBatch
         * @instance
         */
        TargetBatch.prototype.exemplars = $util.newBuffer([]);

        /**
         * TargetBatch histograms.
         * @member {Uint8Array} histograms
         * @memberof push.TargetBatch
         * @instance
         */
        TargetBatch.prototype.histograms = $util.newBuffer([]);

        /**
         * TargetBatch metadata.
         * @member {Uint8Array} metadata
         * @memberof push.TargetBatch
         * @instance
         */
        TargetBatch.prototype.metadata = $util.newBuffer([]);

        /**
         * Encodes the specified TargetBatch message. Does not implicitly {@link push.TargetBatch.verify|verify} messages.
         * @function encode
         * @memberof push.TargetBatch
         * @static
         * @param {push.TargetBatch.$Properties} message TargetBatch message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        TargetBatch.encode = function (message, writer, _depth) {
            if (!writer)
                writer = new $Writer();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.labels != null && message.labels.length)
                for (let i = 0; i < message.labels.length; ++i)
                    $root.push.Label.encode(message.labels[i], writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
            if (message.table != null && $Object.hasOwnProperty.call(message, "table") && message.table.length)
                writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.table);
            if (message.times != null && $Object.hasOwnProperty.call(message, "times") && message.times.length)
                writer.uint32(/* id 3, wireType 2 =*/26).bytes(message.times);
            if (message.columns != null && $Object.hasOwnProperty.call(message, "columns") && message.columns.length)
                writer.uint32(/* id 4, wireType 2 =*/34).bytes(message.columns);
            if (message.report != null && $Object.hasOwnProperty.call(message, "report") && message.report.length)
                writer.uint32(/* id 5, wireType 2 =*/42).bytes(message.report);
            if (message.mask != null && $Object.hasOwnProperty.call(message, "mask") && message.mask.length)
                writer.uint32(/* id 6, wireType 2 =*/50).bytes(message.mask);
            if (message.labelsHash != null && $Object.hasOwnProperty.call(message, "labelsHash") && message.labelsHash.length)
                writer.uint32(/* id 7, wireType 2 =*/58).bytes(message.labelsHash);
            if (message.inline != null && $Object.hasOwnProperty.call(message, "inline") && message.inline.length)
                writer.uint32(/* id 8, wireType 2 =*/66).bytes(message.inline);
            if (message.exemplars != null && $Object.hasOwnProperty.call(message, "exemplars") && message.exemplars.length)
                writer.uint32(/* id 9, wireType 2 =*/74).bytes(message.exemplars);
            if (message.histograms != null && $Object.hasOwnProperty.call(message, "histograms") && message.histograms.length)
                writer.uint32(/* id 10, wireType 2 =*/82).bytes(message.histograms);
            if (message.metadata != null && $Object.hasOwnProperty.call(message, "metadata") && message.metadata.length)
                writer.uint32(/* id 11, wireType 2 =*/90).bytes(message.metadata);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a TargetBatch message from the specified reader or buffer.
         * @function decode
         * @memberof push.TargetBatch
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {push.TargetBatch & push.TargetBatch.$Shape} TargetBatch
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        TargetBatch.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.push.TargetBatch();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 2)
                            break;
                        if (!(message.labels && message.labels.length))
                            message.labels = [];
                        message.labels.push($root.push.Label.decode(reader, reader.size(), $undefined, _depth + 1));
                        continue;
                    }
                case 2: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.table = value;
                        else
                            delete message.table;
                        continue;
                    }
                case 3: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.times = value;
                        else
                            delete message.times;
                        continue;
                    }
                case 4: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.columns = value;
                        else
                            delete message.columns;
                        continue;
                    }
                case 5: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.report = value;
                        else
                            delete message.report;
                        continue;
                    }
                case 6: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.mask = value;
                        else
                            delete message.mask;
                        continue;
                    }
                case 7: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.labelsHash = value;
                        else
                            delete message.labelsHash;
                        continue;
                    }
                case 8: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.inline = value;
                        else
                            delete message.inline;
                        continue;
                    }
                case 9: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.exemplars = value;
                        else
                            delete message.exemplars;
                        continue;
                    }
                case 10: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.histograms = value;
                        else
                            delete message.histograms;
                        continue;
                    }
                case 11: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.metadata = value;
                        else
                            delete message.metadata;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        return TargetBatch;
    })();

    push.PushRequest = (function() {

        /**
         * Properties of a PushRequest.
         * @typedef {Object} push.PushRequest.$Properties
         * @property {number|null} [format] PushRequest format
         * @property {Uint8Array|null} [logId] PushRequest logId
         * @property {number|null} [stream] PushRequest stream
         * @property {number|null} [base] PushRequest base
         * @property {Uint8Array|null} [baseChain] PushRequest baseChain
         * @property {number|null} [to] PushRequest to
         * @property {Uint8Array|null} [chain] PushRequest chain
         * @property {Array.<push.Gap.$Properties>|null} [gaps] PushRequest gaps
         * @property {push.Clock.$Properties|null} [clock] PushRequest clock
         * @property {string|null} [version] PushRequest version
         * @property {push.Backlog.$Properties|null} [backlog] PushRequest backlog
         * @property {number|null} [baseMs] PushRequest baseMs
         * @property {Array.<push.Label.$Properties>|null} [externalLabels] PushRequest externalLabels
         * @property {Array.<push.TargetBatch.$Properties>|null} [targets] PushRequest targets
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a PushRequest.
         * @memberof push
         * @interface IPushRequest
         * @augments push.PushRequest.$Properties
         * @deprecated Use push.PushRequest.$Properties instead.
         */

        /**
         * Shape of a PushRequest.
         * @typedef {push.PushRequest.$Properties} push.PushRequest.$Shape
         */

        /**
         * Constructs a new PushRequest.
         * @memberof push
         * @classdesc Represents a PushRequest.
         * @constructor
         * @param {push.PushRequest.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const PushRequest = function (properties) {
            this.gaps = [];
            this.externalLabels = [];
            this.targets = [];
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * PushRequest format.
         * @member {number} format
         * @memberof push.PushRequest
         * @instance
         */
        PushRequest.prototype.format = 0;

        /**
         * PushRequest logId.
         * @member {Uint8Array} logId
         * @memberof push.PushRequest
         * @instance
         */
        PushRequest.prototype.logId = $util.newBuffer([]);

        /**
         * PushRequest stream.
         * @member {number} stream
         * @memberof push.PushRequest
         * @instance
         */
        PushRequest.prototype.stream = 0;

        /**
         * PushRequest base.
         * @member {number} base
         * @memberof push.PushRequest
         * @instance
         */
        PushRequest.prototype.base = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

        /**
         * PushRequest baseChain.
         * @member {Uint8Array} baseChain
         * @memberof push.PushRequest
         * @instance
         */
        PushRequest.prototype.baseChain = $util.newBuffer([]);

        /**
         * PushRequest to.
         * @member {number} to
         * @memberof push.PushRequest
         * @instance
         */
        PushRequest.prototype.to = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

        /**
         * PushRequest chain.
         * @member {Uint8Array} chain
         * @memberof push.PushRequest
         * @instance
         */
        PushRequest.prototype.chain = $util.newBuffer([]);

        /**
         * PushRequest gaps.
         * @member {Array.<push.Gap.$Properties>} gaps
         * @memberof push.PushRequest
         * @instance
         */
        PushRequest.prototype.gaps = $util.emptyArray;

        /**
         * PushRequest clock.
         * @member {push.Clock.$Properties|null|undefined} clock
         * @memberof push.PushRequest
         * @instance
         */
        PushRequest.prototype.clock = null;

        /**
         * PushRequest version.
         * @member {string} version
         * @memberof push.PushRequest
         * @instance
         */
        PushRequest.prototype.version = "";

        /**
         * PushRequest backlog.
         * @member {push.Backlog.$Properties|null|undefined} backlog
         * @memberof push.PushRequest
         * @instance
         */
        PushRequest.prototype.backlog = null;

        /**
         * PushRequest baseMs.
         * @member {number} baseMs
         * @memberof push.PushRequest
         * @instance
         */
        PushRequest.prototype.baseMs = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        /**
         * PushRequest externalLabels.
         * @member {Array.<push.Label.$Properties>} externalLabels
         * @memberof push.PushRequest
         * @instance
         */
        PushRequest.prototype.externalLabels = $util.emptyArray;

        /**
         * PushRequest targets.
         * @member {Array.<push.TargetBatch.$Properties>} targets
         * @memberof push.PushRequest
         * @instance
         */
        PushRequest.prototype.targets = $util.emptyArray;

        /**
         * Encodes the specified PushRequest message. Does not implicitly {@link push.PushRequest.verify|verify} messages.
         * @function encode
         * @memberof push.PushRequest
         * @static
         * @param {push.PushRequest.$Properties} message PushRequest message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        PushRequest.encode = function (message, writer, _depth) {
            if (!writer)
                writer = new $Writer();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.format != null && $Object.hasOwnProperty.call(message, "format") && message.format !== 0)
                writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.format);
            if (message.logId != null && $Object.hasOwnProperty.call(message, "logId") && message.logId.length)
                writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.logId);
            if (message.stream != null && $Object.hasOwnProperty.call(message, "stream") && message.stream !== 0)
                writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.stream);
            if (message.base != null && $Object.hasOwnProperty.call(message, "base") && (typeof message.base === "object" ? message.base.low || message.base.high : message.base !== 0))
                writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.base);
            if (message.baseChain != null && $Object.hasOwnProperty.call(message, "baseChain") && message.baseChain.length)
                writer.uint32(/* id 5, wireType 2 =*/42).bytes(message.baseChain);
            if (message.to != null && $Object.hasOwnProperty.call(message, "to") && (typeof message.to === "object" ? message.to.low || message.to.high : message.to !== 0))
                writer.uint32(/* id 6, wireType 0 =*/48).uint64(message.to);
            if (message.chain != null && $Object.hasOwnProperty.call(message, "chain") && message.chain.length)
                writer.uint32(/* id 7, wireType 2 =*/58).bytes(message.chain);
            if (message.gaps != null && message.gaps.length)
                for (let i = 0; i < message.gaps.length; ++i)
                    $root.push.Gap.encode(message.gaps[i], writer.uint32(/* id 8, wireType 2 =*/66).fork(), _depth + 1).ldelim();
            if (message.clock != null && $Object.hasOwnProperty.call(message, "clock"))
                $root.push.Clock.encode(message.clock, writer.uint32(/* id 9, wireType 2 =*/74).fork(), _depth + 1).ldelim();
            if (message.version != null && $Object.hasOwnProperty.call(message, "version") && message.version !== "")
                writer.uint32(/* id 10, wireType 2 =*/82).string(message.version);
            if (message.backlog != null && $Object.hasOwnProperty.call(message, "backlog"))
                $root.push.Backlog.encode(message.backlog, writer.uint32(/* id 11, wireType 2 =*/90).fork(), _depth + 1).ldelim();
            if (message.baseMs != null && $Object.hasOwnProperty.call(message, "baseMs") && (typeof message.baseMs === "object" ? message.baseMs.low || message.baseMs.high : message.baseMs !== 0))
                writer.uint32(/* id 12, wireType 0 =*/96).int64(message.baseMs);
            if (message.externalLabels != null && message.externalLabels.length)
                for (let i = 0; i < message.externalLabels.length; ++i)
                    $root.push.Label.encode(message.externalLabels[i], writer.uint32(/* id 13, wireType 2 =*/106).fork(), _depth + 1).ldelim();
            if (message.targets != null && message.targets.length)
                for (let i = 0; i < message.targets.length; ++i)
                    $root.push.TargetBatch.encode(message.targets[i], writer.uint32(/* id 14, wireType 2 =*/114).fork(), _depth + 1).ldelim();
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a PushRequest message from the specified reader or buffer.
         * @function decode
         * @memberof push.PushRequest
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {push.PushRequest & push.PushRequest.$Shape} PushRequest
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        PushRequest.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.push.PushRequest();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.uint32())
                            message.format = value;
                        else
                            delete message.format;
                        continue;
                    }
                case 2: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.logId = value;
                        else
                            delete message.logId;
                        continue;
                    }
                case 3: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.uint32())
                            message.stream = value;
                        else
                            delete message.stream;
                        continue;
                    }
                case 4: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                            message.base = value;
                        else
                            delete message.base;
                        continue;
                    }
                case 5: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.baseChain = value;
                        else
                            delete message.baseChain;
                        continue;
                    }
                case 6: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                            message.to = value;
                        else
                            delete message.to;
                        continue;
                    }
                case 7: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.chain = value;
                        else
                            delete message.chain;
                        continue;
                    }
                case 8: {
                        if (wireType !== 2)
                            break;
                        if (!(message.gaps && message.gaps.length))
                            message.gaps = [];
                        message.gaps.push($root.push.Gap.decode(reader, reader.size(), $undefined, _depth + 1));
                        continue;
                    }
                case 9: {
                        if (wireType !== 2)
                            break;
                        message.clock = $root.push.Clock.decode(reader, reader.size(), $undefined, _depth + 1, message.clock);
                        continue;
                    }
                case 10: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.version = value;
                        else
                            delete message.version;
                        continue;
                    }
                case 11: {
                        if (wireType !== 2)
                            break;
                        message.backlog = $root.push.Backlog.decode(reader, reader.size(), $undefined, _depth + 1, message.backlog);
                        continue;
                    }
                case 12: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.int64()) === "object" ? value.low || value.high : value !== 0)
                            message.baseMs = value;
                        else
                            delete message.baseMs;
                        continue;
                    }
                case 13: {
                        if (wireType !== 2)
                            break;
                        if (!(message.externalLabels && message.externalLabels.length))
                            message.externalLabels = [];
                        message.externalLabels.push($root.push.Label.decode(reader, reader.size(), $undefined, _depth + 1));
                        continue;
                    }
                case 14: {
                        if (wireType !== 2)
                            break;
                        if (!(message.targets && message.targets.length))
                            message.targets = [];
                        message.targets.push($root.push.TargetBatch.decode(reader, reader.size(), $undefined, _depth + 1));
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        return PushRequest;
    })();

    push.Point = (function() {

        /**
         * Properties of a Point.
         * @typedef {Object} push.Point.$Properties
         * @property {number|null} [position] Point position
         * @property {Uint8Array|null} [chain] Point chain
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a Point.
         * @memberof push
         * @interface IPoint
         * @augments push.Point.$Properties
         * @deprecated Use push.Point.$Properties instead.
         */

        /**
         * Shape of a Point.
         * @typedef {push.Point.$Properties} push.Point.$Shape
         */

        /**
         * Constructs a new Point.
         * @memberof push
         * @classdesc Represents a Point.
         * @constructor
         * @param {push.Point.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const Point = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * Point position.
         * @member {number} position
         * @memberof push.Point
         * @instance
         */
        Point.prototype.position = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

        /**
         * Point chain.
         * @member {Uint8Array} chain
         * @memberof push.Point
         * @instance
         */
        Point.prototype.chain = $util.newBuffer([]);

        /**
         * Encodes the specified Point message. Does not implicitly {@link push.Point.verify|verify} messages.
         * @function encode
         * @memberof push.Point
         * @static
         * @param {push.Point.$Properties} message Point message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        Point.encode = function (message, writer, _depth) {
            if (!writer)
                writer = new $Writer();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.position != null && $Object.hasOwnProperty.call(message, "position") && (typeof message.position === "object" ? message.position.low || message.position.high : message.position !== 0))
                writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.position);
            if (message.chain != null && $Object.hasOwnProperty.call(message, "chain") && message.chain.length)
                writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.chain);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a Point message from the specified reader or buffer.
         * @function decode
         * @memberof push.Point
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {push.Point & push.Point.$Shape} Point
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        Point.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.push.Point();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                            message.position = value;
                        else
                            delete message.position;
                        continue;
                    }
                case 2: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.chain = value;
                        else
                            delete message.chain;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        return Point;
    })();

    push.Mask = (function() {

        /**
         * Properties of a Mask.
         * @typedef {Object} push.Mask.$Properties
         * @property {Array.<number>|null} [targets] Mask targets
         * @property {Uint8Array|null} [rows] Mask rows
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a Mask.
         * @memberof push
         * @interface IMask
         * @augments push.Mask.$Properties
         * @deprecated Use push.Mask.$Properties instead.
         */

        /**
         * Shape of a Mask.
         * @typedef {push.Mask.$Properties} push.Mask.$Shape
         */

        /**
         * Constructs a new Mask.
         * @memberof push
         * @classdesc Represents a Mask.
         * @constructor
         * @param {push.Mask.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const Mask = function (properties) {
            this.targets = [];
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * Mask targets.
         * @member {Array.<number>} targets
         * @memberof push.Mask
         * @instance
         */
        Mask.prototype.targets = $util.emptyArray;

        /**
         * Mask rows.
         * @member {Uint8Array} rows
         * @memberof push.Mask
         * @instance
         */
        Mask.prototype.rows = $util.newBuffer([]);

        /**
         * Encodes the specified Mask message. Does not implicitly {@link push.Mask.verify|verify} messages.
         * @function encode
         * @memberof push.Mask
         * @static
         * @param {push.Mask.$Properties} message Mask message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        Mask.encode = function (message, writer, _depth) {
            if (!writer)
                writer = new $Writer();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.targets != null && message.targets.length)
                writer.uint32(/* id 1, wireType 2 =*/10).uint32s(message.targets);
            if (message.rows != null && $Object.hasOwnProperty.call(message, "rows") && message.rows.length)
                writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.rows);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a Mask message from the specified reader or buffer.
         * @function decode
         * @memberof push.Mask
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {push.Mask & push.Mask.$Shape} Mask
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        Mask.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.push.Mask();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType === 2) {
                            if (!(message.targets && message.targets.length))
                                message.targets = [];
                            reader.uint32s(message.targets);
                            continue;
                        }
                        if (wireType !== 0)
                            break;
                        if (!(message.targets && message.targets.length))
                            message.targets = [];
                        message.targets.push(reader.uint32());
                        continue;
                    }
                case 2: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.rows = value;
                        else
                            delete message.rows;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        return Mask;
    })();

    push.PushAnswer = (function() {

        /**
         * Properties of a PushAnswer.
         * @typedef {Object} push.PushAnswer.$Properties
         * @property {push.PushAnswer.Code|null} [code] PushAnswer code
         * @property {Uint8Array|null} [logId] PushAnswer logId
         * @property {number|null} [position] PushAnswer position
         * @property {string|null} [message] PushAnswer message
         * @property {number|null} [edgeMs] PushAnswer edgeMs
         * @property {Array.<Uint8Array>|null} [unknownTables] PushAnswer unknownTables
         * @property {push.Point.$Properties|null} [stored] PushAnswer stored
         * @property {Array.<push.Point.$Properties>|null} [points] PushAnswer points
         * @property {number|null} [minPushIntervalMs] PushAnswer minPushIntervalMs
         * @property {Array.<push.Mask.$Properties>|null} [masks] PushAnswer masks
         * @property {string|null} [configVersion] PushAnswer configVersion
         * @property {number|null} [freshWindowMs] PushAnswer freshWindowMs
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a PushAnswer.
         * @memberof push
         * @interface IPushAnswer
         * @augments push.PushAnswer.$Properties
         * @deprecated Use push.PushAnswer.$Properties instead.
         */

        /**
         * Shape of a PushAnswer.
         * @typedef {push.PushAnswer.$Properties} push.PushAnswer.$Shape
         */

        /**
         * Constructs a new PushAnswer.
         * @memberof push
         * @classdesc Represents a PushAnswer.
         * @constructor
         * @param {push.PushAnswer.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const PushAnswer = function (properties) {
            this.unknownTables = [];
            this.points = [];
            this.masks = [];
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * PushAnswer code.
         * @member {push.PushAnswer.Code} code
         * @memberof push.PushAnswer
         * @instance
         */
        PushAnswer.prototype.code = 0;

        /**
         * PushAnswer logId.
         * @member {Uint8Array} logId
         * @memberof push.PushAnswer
         * @instance
         */
        PushAnswer.prototype.logId = $util.newBuffer([]);

        /**
         * PushAnswer position.
         * @member {number} position
         * @memberof push.PushAnswer
         * @instance
         */
        PushAnswer.prototype.position = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

        /**
         * PushAnswer message.
         * @member {string} message
         * @memberof push.PushAnswer
         * @instance
         */
        PushAnswer.prototype.message = "";

        /**
         * PushAnswer edgeMs.
         * @member {number} edgeMs
         * @memberof push.PushAnswer
         * @instance
         */
        PushAnswer.prototype.edgeMs = $util.Long ? $util.Long.fromBits(0,0,false) : 0;

        /**
         * PushAnswer unknownTables.
         * @member {Array.<Uint8Array>} unknownTables
         * @memberof push.PushAnswer
         * @instance
         */
        PushAnswer.prototype.unknownTables = $util.emptyArray;

        /**
         * PushAnswer stored.
         * @member {push.Point.$Properties|null|undefined} stored
         * @memberof push.PushAnswer
         * @instance
         */
        PushAnswer.prototype.stored = null;

        /**
         * PushAnswer points.
         * @member {Array.<push.Point.$Properties>} points
         * @memberof push.PushAnswer
         * @instance
         */
        PushAnswer.prototype.points = $util.emptyArray;

        /**
         * PushAnswer minPushIntervalMs.
         * @member {number} minPushIntervalMs
         * @memberof push.PushAnswer
         * @instance
         */
        PushAnswer.prototype.minPushIntervalMs = 0;

        /**
         * PushAnswer masks.
         * @member {Array.<push.Mask.$Properties>} masks
         * @memberof push.PushAnswer
         * @instance
         */
        PushAnswer.prototype.masks = $util.emptyArray;

        /**
         * PushAnswer configVersion.
         * @member {string} configVersion
         * @memberof push.PushAnswer
         * @instance
         */
        PushAnswer.prototype.configVersion = "";

        /**
         * PushAnswer freshWindowMs.
         * @member {number} freshWindowMs
         * @memberof push.PushAnswer
         * @instance
         */
        PushAnswer.prototype.freshWindowMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

        /**
         * Encodes the specified PushAnswer message. Does not implicitly {@link push.PushAnswer.verify|verify} messages.
         * @function encode
         * @memberof push.PushAnswer
         * @static
         * @param {push.PushAnswer.$Properties} message PushAnswer message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        PushAnswer.encode = function (message, writer, _depth) {
            if (!writer)
                writer = new $Writer();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.code != null && $Object.hasOwnProperty.call(message, "code") && message.code !== 0)
                writer.uint32(/* id 1, wireType 0 =*/8).int32(message.code);
            if (message.logId != null && $Object.hasOwnProperty.call(message, "logId") && message.logId.length)
                writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.logId);
            if (message.position != null && $Object.hasOwnProperty.call(message, "position") && (typeof message.position === "object" ? message.position.low || message.position.high : message.position !== 0))
                writer.uint32(/* id 3, wireType 0 =*/24).uint64(message.position);
            if (message.message != null && $Object.hasOwnProperty.call(message, "message") && message.message !== "")
                writer.uint32(/* id 4, wireType 2 =*/34).string(message.message);
            if (message.edgeMs != null && $Object.hasOwnProperty.call(message, "edgeMs") && (typeof message.edgeMs === "object" ? message.edgeMs.low || message.edgeMs.high : message.edgeMs !== 0))
                writer.uint32(/* id 5, wireType 0 =*/40).int64(message.edgeMs);
            if (message.unknownTables != null && message.unknownTables.length)
                for (let i = 0; i < message.unknownTables.length; ++i)
                    writer.uint32(/* id 6, wireType 2 =*/50).bytes(message.unknownTables[i]);
            if (message.stored != null && $Object.hasOwnProperty.call(message, "stored"))
                $root.push.Point.encode(message.stored, writer.uint32(/* id 7, wireType 2 =*/58).fork(), _depth + 1).ldelim();
            if (message.points != null && message.points.length)
                for (let i = 0; i < message.points.length; ++i)
                    $root.push.Point.encode(message.points[i], writer.uint32(/* id 8, wireType 2 =*/66).fork(), _depth + 1).ldelim();
            if (message.minPushIntervalMs != null && $Object.hasOwnProperty.call(message, "minPushIntervalMs") && message.minPushIntervalMs !== 0)
                writer.uint32(/* id 9, wireType 0 =*/72).uint32(message.minPushIntervalMs);
            if (message.masks != null && message.masks.length)
                for (let i = 0; i < message.masks.length; ++i)
                    $root.push.Mask.encode(message.masks[i], writer.uint32(/* id 10, wireType 2 =*/82).fork(), _depth + 1).ldelim();
            if (message.configVersion != null && $Object.hasOwnProperty.call(message, "configVersion") && message.configVersion !== "")
                writer.uint32(/* id 11, wireType 2 =*/90).string(message.configVersion);
            if (message.freshWindowMs != null && $Object.hasOwnProperty.call(message, "freshWindowMs") && (typeof message.freshWindowMs === "object" ? message.freshWindowMs.low || message.freshWindowMs.high : message.freshWindowMs !== 0))
                writer.uint32(/* id 12, wireType 0 =*/96).uint64(message.freshWindowMs);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a PushAnswer message from the specified reader or buffer.
         * @function decode
         * @memberof push.PushAnswer
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {push.PushAnswer & push.PushAnswer.$Shape} PushAnswer
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        PushAnswer.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.push.PushAnswer();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.int32())
                            message.code = value;
                        else
                            delete message.code;
                        continue;
                    }
                case 2: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.logId = value;
                        else
                            delete message.logId;
                        continue;
                    }
                case 3: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                            message.position = value;
                        else
                            delete message.position;
                        continue;
                    }
                case 4: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.message = value;
                        else
                            delete message.message;
                        continue;
                    }
                case 5: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.int64()) === "object" ? value.low || value.high : value !== 0)
                            message.edgeMs = value;
                        else
                            delete message.edgeMs;
                        continue;
                    }
                case 6: {
                        if (wireType !== 2)
                            break;
                        if (!(message.unknownTables && message.unknownTables.length))
                            message.unknownTables = [];
                        message.unknownTables.push(reader.bytes());
                        continue;
                    }
                case 7: {
                        if (wireType !== 2)
                            break;
                        message.stored = $root.push.Point.decode(reader, reader.size(), $undefined, _depth + 1, message.stored);
                        continue;
                    }
                case 8: {
                        if (wireType !== 2)
                            break;
                        if (!(message.points && message.points.length))
                            message.points = [];
                        message.points.push($root.push.Point.decode(reader, reader.size(), $undefined, _depth + 1));
                        continue;
                    }
                case 9: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.uint32())
                            message.minPushIntervalMs = value;
                        else
                            delete message.minPushIntervalMs;
                        continue;
                    }
                case 10: {
                        if (wireType !== 2)
                            break;
                        if (!(message.masks && message.masks.length))
                            message.masks = [];
                        message.masks.push($root.push.Mask.decode(reader, reader.size(), $undefined, _depth + 1));
                        continue;
                    }
                case 11: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.configVersion = value;
                        else
                            delete message.configVersion;
                        continue;
                    }
                case 12: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                            message.freshWindowMs = value;
                        else
                            delete message.freshWindowMs;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Code enum.
         * @name push.PushAnswer.Code
         * @enum {number}
         * @property {number} UNSPECIFIED=0 UNSPECIFIED value
         * @property {number} STORED=1 STORED value
         * @property {number} CONFLICT=2 CONFLICT value
         * @property {number} UNKNOWN_TABLES=3 UNKNOWN_TABLES value
         * @property {number} MALFORMED=4 MALFORMED value
         * @property {number} UNAUTHORIZED=5 UNAUTHORIZED value
         * @property {number} FORBIDDEN=6 FORBIDDEN value
         * @property {number} TOO_LARGE=7 TOO_LARGE value
         * @property {number} BUSY=8 BUSY value
         * @property {number} CLOCK=9 CLOCK value
         * @property {number} MOVED=10 MOVED value
         * @property {number} WRONG_MASK=11 WRONG_MASK value
         */
        PushAnswer.Code = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "UNSPECIFIED"] = 0;
            values[valuesById[1] = "STORED"] = 1;
            values[valuesById[2] = "CONFLICT"] = 2;
            values[valuesById[3] = "UNKNOWN_TABLES"] = 3;
            values[valuesById[4] = "MALFORMED"] = 4;
            values[valuesById[5] = "UNAUTHORIZED"] = 5;
            values[valuesById[6] = "FORBIDDEN"] = 6;
            values[valuesById[7] = "TOO_LARGE"] = 7;
            values[valuesById[8] = "BUSY"] = 8;
            values[valuesById[9] = "CLOCK"] = 9;
            values[valuesById[10] = "MOVED"] = 10;
            values[valuesById[11] = "WRONG_MASK"] = 11;
            return values;
        })();

        return PushAnswer;
    })();

    return push;
})();

export {
  $root as default
};
