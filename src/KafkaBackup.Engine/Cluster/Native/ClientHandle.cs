using Microsoft.Win32.SafeHandles;

namespace KafkaBackup.Engine.Cluster.Native;

/// <summary>
/// A client instance of the library with its main queue. Whoever makes a blocking call on another thread holds a reference meanwhile, so
/// that the instance outlives the call.
/// </summary>
internal sealed class ClientHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    /// <summary>RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE: there is no group to leave.</summary>
    private const int DestroyWithoutClose = 0x8;

    public ClientHandle(nint client)
        : base(ownsHandle: true)
    {
        SetHandle(client);
        MainQueue = LibRdKafka.rd_kafka_queue_get_main(client);
    }

    public nint MainQueue { get; }

    public nint Client => handle;

    protected override bool ReleaseHandle()
    {
        LibRdKafka.rd_kafka_queue_destroy(MainQueue);
        LibRdKafka.rd_kafka_destroy_flags(handle, DestroyWithoutClose);
        return true;
    }
}
