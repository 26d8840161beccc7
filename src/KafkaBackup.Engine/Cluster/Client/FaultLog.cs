using KafkaBackup.Engine.Cluster.Native;
using ErrorCode = Confluent.Kafka.ErrorCode;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// What went wrong with connections lately, so that a request that got no answer can say why. A refused log-in or handshake tells more than
/// "all brokers are down", which always follows it.
/// </summary>
internal sealed class FaultLog
{
    private readonly object _gate = new();
    private NativeError? _definitive;
    private NativeError? _latest;
    private string? _lastWords;

    /// <summary>The newest complaint in the library's log, whatever it is about; null when there is none.</summary>
    public string? LastWords
    {
        get
        {
            lock (_gate)
            {
                return _lastWords;
            }
        }
    }

    /// <summary>The newest fault that trying again will not cure; null when there is none.</summary>
    public NativeError? Definitive
    {
        get
        {
            lock (_gate)
            {
                return _definitive;
            }
        }
    }

    /// <summary>The fault that says most.</summary>
    public NativeError? MostTelling
    {
        get
        {
            lock (_gate)
            {
                return _definitive ?? _latest;
            }
        }
    }

    public void Note(NativeError error)
    {
        lock (_gate)
        {
            if (KafkaErrors.IsDefinitive(error))
            {
                _definitive = error;
            }
            else if (error.Code != ErrorCode.Local_AllBrokersDown)
            {
                _latest = error;
            }
        }
    }

    public void Complain(string text)
    {
        lock (_gate)
        {
            _lastWords = text;
        }
    }

    /// <summary>The cluster answered: what was before no longer explains anything.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _definitive = null;
            _latest = null;
            _lastWords = null;
        }
    }
}
