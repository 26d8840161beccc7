using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Messages;

internal enum CoordinatorType : sbyte
{
    Group = 0,
    Transaction = 1,
}

/// <summary>The broker that keeps a group or a transactional id.</summary>
internal sealed class FindCoordinatorRequest(CoordinatorType type, string key) : WireRequest<FindCoordinatorResponse>
{
    public static readonly WireApi Definition = new(ApiKey.FindCoordinator, 0, 4, 3, 2);

    public override WireApi Api => Definition;

    public override short LeastVersion => type == CoordinatorType.Transaction ? (short)1 : (short)0;

    public override void Write(WireWriter writer)
    {
        if (writer.Version <= 3)
        {
            writer.String(key);
        }

        if (writer.Version >= 1)
        {
            writer.Int8((sbyte)type);
        }

        if (writer.Version >= 4)
        {
            writer.Array([key], static (w, k) => w.String(k));
        }

        writer.Tags();
    }

    public override FindCoordinatorResponse Read(ref WireReader reader)
    {
        var throttle = reader.Version >= 1 ? reader.Milliseconds("throttle_time_ms") : TimeSpan.Zero;
        return reader.Version >= 4 ? ReadBatched(ref reader, throttle) : ReadSingle(ref reader, throttle);
    }

    private static FindCoordinatorResponse ReadSingle(ref WireReader reader, TimeSpan throttle)
    {
        var error = reader.Error();
        var message = reader.Version >= 1 ? reader.NullableString("error_message") : null;
        var answer = new FindCoordinatorResponse(
            throttle,
            error,
            message,
            reader.Int32("node_id"),
            reader.String("host"),
            reader.Int32("port")
        );
        reader.SkipTags();
        return answer;
    }

    private static FindCoordinatorResponse ReadBatched(ref WireReader reader, TimeSpan throttle)
    {
        var found = reader.Array(
            "coordinators",
            14,
            (ref WireReader r) =>
            {
                r.String("key");
                var id = r.Int32("node_id");
                var host = r.String("host");
                var port = r.Int32("port");
                var error = r.Error();
                var message = r.NullableString("error_message");
                r.SkipTags();
                return (Id: id, Host: host, Port: port, Error: error, Message: message);
            }
        );
        reader.SkipTags();
        return found is [var one]
            ? new FindCoordinatorResponse(throttle, one.Error, one.Message, one.Id, one.Host, one.Port)
            : throw reader.Damaged("coordinators", $"one coordinator was asked for, {found.Length} were named");
    }
}

internal sealed record FindCoordinatorResponse(
    TimeSpan ThrottleTime,
    WireErrorCode Error,
    string? Message,
    int Broker,
    string Host,
    int Port
) : IWireAnswer;
