using ErrorCode = Confluent.Kafka.ErrorCode;

namespace KafkaBackup.Engine.Cluster.Native;

/// <summary>An error as the library gives it: its code and its text for this case.</summary>
internal readonly record struct NativeError(ErrorCode Code, string Text)
{
    public string Name => LibRdKafka.ErrorName((int)Code);

    public static NativeError From(int code) => new((ErrorCode)code, LibRdKafka.ErrorText(code));

    public static unsafe NativeError From(int code, byte* text) =>
        new((ErrorCode)code, text is null ? LibRdKafka.ErrorText(code) : LibRdKafka.Text(text));

    /// <summary>Reads an rd_kafka_error_t that stays with its owner; null for none or for "no error".</summary>
    public static unsafe NativeError? Borrow(nint error)
    {
        if (error == 0 || LibRdKafka.rd_kafka_error_code(error) == 0)
        {
            return null;
        }

        return new NativeError((ErrorCode)LibRdKafka.rd_kafka_error_code(error), LibRdKafka.Text(LibRdKafka.rd_kafka_error_string(error)));
    }

    /// <summary>Reads an rd_kafka_error_t that is ours, and destroys it.</summary>
    public static NativeError? Take(nint error)
    {
        if (error == 0)
        {
            return null;
        }

        var taken = Borrow(error);
        LibRdKafka.rd_kafka_error_destroy(error);
        return taken;
    }
}
