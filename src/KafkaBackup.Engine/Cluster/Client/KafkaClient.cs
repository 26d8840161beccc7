using KafkaBackup.Engine.Cluster.Native;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// One instance of the client library, and what it says about itself: its log goes to the verbose stream, its errors to
/// <see cref="Faults"/>. Nothing calls back into managed code from the library's threads; whoever waits for something pumps the main queue.
/// </summary>
internal sealed class KafkaClient : IDisposable
{
    /// <summary>The library's syslog levels up to notice: what a person following a run wants to read.</summary>
    private const int QuietestLevel = 7;

    /// <summary>Up to warnings: what the library itself calls trouble.</summary>
    private const int ComplaintLevel = 4;

    private readonly ClientHandle _handle;
    private readonly IEngineEvents _events;
    private readonly SecretScrubber _scrubber;

    private KafkaClient(ClientHandle handle, ClientConfiguration configuration, IEngineEvents events)
    {
        _handle = handle;
        _events = events;
        _scrubber = configuration.Scrubber;
        Address = configuration.Address;
    }

    public string Address { get; }

    /// <summary>For calls on the thread that owns this object; other threads use <see cref="Hold"/>.</summary>
    public nint Client => _handle.Client;

    public nint MainQueue => _handle.MainQueue;

    public FaultLog Faults { get; } = new();

    public static unsafe KafkaClient Open(
        ClientConfiguration configuration,
        IEngineEvents events,
        IEnumerable<KeyValuePair<string, string>> promises
    )
    {
        var conf = configuration.Build(promises);
        LibRdKafka.rd_kafka_conf_set_events(conf, LibRdKafka.EventLog | LibRdKafka.EventError);

        var error = stackalloc byte[512];
        var client = LibRdKafka.rd_kafka_new(LibRdKafka.ClientTypeConsumer, conf, error, 512);
        if (client == 0)
        {
            LibRdKafka.rd_kafka_conf_destroy(conf);
            throw Refused(configuration.Scrubber.Scrub(LibRdKafka.Text(error)), configuration.Address);
        }

        var handle = new ClientHandle(client);
        _ = LibRdKafka.rd_kafka_set_log_queue(client, handle.MainQueue);
        var opened = new KafkaClient(handle, configuration, events);
        if (configuration.UsesOAuth && NativeError.Take(LibRdKafka.rd_kafka_sasl_background_callbacks_enable(client)) is { } oauth)
        {
            opened.Dispose();
            throw ErrorIds.ClusterAuthentication.With($"OAuth cannot be used: {oauth.Text}", configuration.Address);
        }

        return opened;
    }

    /// <summary>Keeps the instance alive while another thread is inside a call.</summary>
    public Lease Hold() => new(_handle);

    /// <summary>Takes in what the library had to say since the last time.</summary>
    public void Pump()
    {
        nint nativeEvent;
        while ((nativeEvent = LibRdKafka.rd_kafka_queue_poll(MainQueue, 0)) != 0)
        {
            TakeIn(nativeEvent);
            LibRdKafka.rd_kafka_event_destroy(nativeEvent);
        }
    }

    /// <summary>Takes in a log line or an error. The caller destroys the event.</summary>
    public unsafe NativeError? TakeIn(nint nativeEvent)
    {
        switch (LibRdKafka.rd_kafka_event_type(nativeEvent))
        {
            case LibRdKafka.EventLog:
                byte* facility,
                    text;
                int level;
                if (LibRdKafka.rd_kafka_event_log(nativeEvent, &facility, &text, &level) == 0)
                {
                    Log(level, LibRdKafka.Text(facility), LibRdKafka.Text(text));
                }

                return null;
            case LibRdKafka.EventError:
                var error = NativeError.From(
                    LibRdKafka.rd_kafka_event_error(nativeEvent),
                    LibRdKafka.rd_kafka_event_error_string(nativeEvent)
                );
                return Note(error with { Text = _scrubber.Scrub(error.Text) });
            default:
                return null;
        }
    }

    public NativeError Note(NativeError error)
    {
        Faults.Note(error);
        _events.Verbose($"Kafka client: {error.Text} ({error.Name})");
        return error;
    }

    public void Dispose() => _handle.Dispose();

    private void Log(int level, string facility, string text)
    {
        // A connection that the other side closes is only logged.
        if (facility == "FAIL")
        {
            Faults.Note(new NativeError(Confluent.Kafka.ErrorCode.Local_Transport, _scrubber.Scrub(text)));
        }

        // Options for the other kind of client are no mistake: one set of options serves both.
        if (facility == "CONFWARN")
        {
            return;
        }

        if (level <= ComplaintLevel)
        {
            Faults.Complain(_scrubber.Scrub(text));
        }

        if (level <= QuietestLevel)
        {
            _events.Verbose($"Kafka client: {facility}: {_scrubber.Scrub(text)}");
        }
    }

    private static KafkaBackupException Refused(string text, string address)
    {
        if (text.Contains("No provider for SASL mechanism GSSAPI", StringComparison.Ordinal))
        {
            return ErrorIds.ClusterAuthentication.With(
                $"Kerberos (GSSAPI) is not available for the cluster at {address}: the client library found no SASL library (libsasl2.so.3) on this machine.",
                address,
                "Install the SASL library with its Kerberos plug-in. Debian and Ubuntu (libsasl2-2, libsasl2-modules-gssapi-mit) call it libsasl2.so.2: make libsasl2.so.3 a link to it, in the same folder."
            );
        }

        if (text.Contains("ssl.", StringComparison.OrdinalIgnoreCase))
        {
            return ErrorIds.ClusterTls.With(
                $"The certificates given for the cluster at {address} cannot be used: {text}",
                address,
                "Check that certificate and key are PEM files that belong together, and the key's password."
            );
        }

        return text.Contains("sasl", StringComparison.OrdinalIgnoreCase)
            ? ErrorIds.ClusterAuthentication.With($"The login given for the cluster at {address} cannot be used: {text}", address)
            : ErrorIds.InvalidKafkaOption.With($"The client library refuses the settings for the cluster at {address}: {text}", address);
    }

    /// <summary>A reference to the instance, to be given back.</summary>
    internal readonly struct Lease : IDisposable
    {
        private readonly ClientHandle _handle;

        public Lease(ClientHandle handle)
        {
            _handle = handle;
            var added = false;
            handle.DangerousAddRef(ref added);
        }

        public nint Client => _handle.Client;

        public void Dispose() => _handle.DangerousRelease();
    }
}
