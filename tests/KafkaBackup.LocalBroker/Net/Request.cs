using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Net;

/// <summary>One request on its way through the broker: what was asked, by whom, and which fault or denial meets it.</summary>
internal sealed class Request(LocalCluster cluster, Connection connection, LoggedRequest log)
{
    private Fault? _fault;

    public LocalCluster Cluster { get; } = cluster;

    public Connection Connection { get; } = connection;

    public LoggedRequest Log { get; } = log;

    public ApiKey Api => Log.Api;

    public short Version => Log.Version;

    public int Broker => Log.Broker;

    /// <summary>Set by a produce without acknowledgement.</summary>
    public bool NoResponse { get; set; }

    public bool DropsConnection { get; private set; }

    /// <summary>
    /// Called once, when the names in the request are known and before anything is done: logs it, and lets a fault delay,
    /// hold or drop it. False means the connection is to be closed at once.
    /// </summary>
    public async ValueTask<bool> Admit()
    {
        Cluster.Requests.Add(Log);
        _fault = Cluster.Faults.Claim(Log);
        switch (_fault?.Action)
        {
            case FaultAction.Delay:
                await Task.Delay(_fault.Wait, Cluster.Stopping).ConfigureAwait(false);
                break;
            case FaultAction.Freeze:
                await _fault.Thawed.WaitAsync(Cluster.Stopping).ConfigureAwait(false);
                break;
            case FaultAction.DropBefore:
                DropsConnection = true;
                return false;
            case FaultAction.DropAfter:
                DropsConnection = true;
                break;
            default:
                break;
        }

        return true;
    }

    /// <summary>The error a fault wants instead of the deed, for a request as a whole.</summary>
    public ErrorCode Failure => _fault?.Action == FaultAction.Fail ? _fault.Error : ErrorCode.None;

    public ErrorCode FailureOf(string topic, int partition = -1) =>
        _fault?.Action == FaultAction.Fail && _fault.Applies(topic, partition) ? _fault.Error : ErrorCode.None;

    /// <summary>The error to answer after the deed: the real one, or what a fault puts in its place.</summary>
    public ErrorCode Answer(ErrorCode real) => _fault?.Action == FaultAction.FailAfter ? _fault.Error : real;

    public ErrorCode AnswerFor(string topic, int partition, ErrorCode real) =>
        _fault?.Action == FaultAction.FailAfter && _fault.Applies(topic, partition) ? _fault.Error : real;

    public ErrorCode DeniedTopic(string name) => Denied(name, ErrorCode.TopicAuthorizationFailed);

    public ErrorCode DeniedGroup(string name) => Denied(name, ErrorCode.GroupAuthorizationFailed);

    public ErrorCode DeniedTransaction(string name) => Denied(name, ErrorCode.TransactionalIdAuthorizationFailed);

    public ErrorCode DeniedCluster() => Denied("kafka-cluster", ErrorCode.ClusterAuthorizationFailed);

    public bool MaySend(ApiKey api, string topic) => !Cluster.Denials.Covers(api, topic, Connection.User);

    /// <summary>The first of several checks that says no.</summary>
    public static ErrorCode First(params ReadOnlySpan<ErrorCode> errors)
    {
        foreach (var error in errors)
        {
            if (error != ErrorCode.None)
                return error;
        }

        return ErrorCode.None;
    }

    private ErrorCode Denied(string resource, ErrorCode error) =>
        Cluster.Denials.Covers(Api, resource, Connection.User) ? error : ErrorCode.None;
}
