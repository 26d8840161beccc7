using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KafkaBackup.Engine.Cluster.Native;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// What the library says to a reader by calling back, always from within the reader's own calls and on its thread: kept until the reader
/// takes it.
/// </summary>
internal sealed unsafe class ReaderCallbacks : IDisposable
{
    private readonly List<NativeError> _errors = [];
    private GCHandle _self;
    private int _throttledMs;

    public ReaderCallbacks() => _self = GCHandle.Alloc(this, GCHandleType.Weak);

    /// <summary>Errors that the library posts to the queue without a message; whoever has looked at them clears them.</summary>
    public List<NativeError> Errors => _errors;

    /// <summary>Asks for the calls.</summary>
    public void Prepare(nint conf)
    {
        LibRdKafka.rd_kafka_conf_set_opaque(conf, GCHandle.ToIntPtr(_self));
        LibRdKafka.rd_kafka_conf_set_error_cb(conf, &OnError);
        LibRdKafka.rd_kafka_conf_set_throttle_cb(conf, &OnThrottle);
    }

    /// <summary>How long a broker holds us back, as it has said since the last call; zero if none has.</summary>
    public TimeSpan TakeThrottle()
    {
        var taken = TimeSpan.FromMilliseconds(_throttledMs);
        _throttledMs = 0;
        return taken;
    }

    public void Dispose() => _self.Free();

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnError(nint client, int code, byte* reason, nint opaque)
    {
        if (GCHandle.FromIntPtr(opaque).Target is ReaderCallbacks callbacks)
        {
            callbacks._errors.Add(NativeError.From(code, reason));
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnThrottle(nint client, byte* broker, int brokerId, int throttleMs, nint opaque)
    {
        if (GCHandle.FromIntPtr(opaque).Target is ReaderCallbacks callbacks)
        {
            callbacks._throttledMs = Math.Max(callbacks._throttledMs, throttleMs);
        }
    }
}
