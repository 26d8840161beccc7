using KafkaBackup.Engine.Wire.Primitives;
using KafkaBackup.Engine.Wire.Security;

namespace KafkaBackup.Engine.Wire.Connections;

/// <summary>
/// The place of one connection to one address. It is opened when somebody needs it, once for all who wait, and again after it failed: with
/// a pause that doubles, until a connection has answered something.
/// </summary>
internal sealed class ConnectionSlot(WireAddress address, int broker, WireOptions options, WireBufferPool pool, TlsMaterial? tls)
    : IAsyncDisposable
{
    private const double Jitter = 0.2;

    private readonly object _gate = new();
    private readonly CancellationTokenSource _closing = new();
    private WireConnection? _connection;
    private Task<WireConnection>? _opening;
    private int _failures;
    private long _notBefore;
    private bool _closed;

    /// <summary>Whether a connection is there that works as far as is known.</summary>
    public bool IsOpen => Volatile.Read(ref _connection) is { Fault: null };

    /// <summary>Whether the next attempt has to wait.</summary>
    public bool IsResting
    {
        get
        {
            lock (_gate)
            {
                return !IsOpen && options.Clock.GetTimestamp() < _notBefore;
            }
        }
    }

    /// <summary>The open connection, or a new one. Giving up waiting does not end the attempt: others may wait for it too.</summary>
    public ValueTask<WireConnection> GetAsync(CancellationToken cancel)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (_connection is { Fault: null } open)
            {
                return new(open);
            }

            if (_opening is null)
            {
                var before = _connection;
                _connection = null;
                _opening = Task.Run(() => OpenAsync(before));
            }

            return new(WaitAsync(_opening, cancel));
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task<WireConnection>? opening;
        WireConnection? connection;
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
            (opening, connection) = (_opening, _connection);
        }

        await _closing.CancelAsync().ConfigureAwait(false);
        if (opening is not null)
        {
            await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            lock (_gate)
            {
                connection ??= _connection;
            }
        }

        if (connection is not null)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
        }

        _closing.Dispose();
    }

    private static async Task<WireConnection> WaitAsync(Task<WireConnection> opening, CancellationToken cancel)
    {
        try
        {
            return await opening.WaitAsync(cancel).ConfigureAwait(false);
        }
        catch (WireException shared)
        {
            throw shared.Again();
        }
    }

    private async Task<WireConnection> OpenAsync(WireConnection? before)
    {
        try
        {
            if (before is not null)
            {
                if (before.HasAnswered)
                {
                    NoteSuccess();
                }
                else
                {
                    NoteFailure();
                }

                await before.DisposeAsync().ConfigureAwait(false);
            }

            var rest = Rest();
            if (rest > TimeSpan.Zero)
            {
                await Task.Delay(rest, options.Clock, _closing.Token).ConfigureAwait(false);
            }

            var connection = await WireConnection.OpenAsync(address, broker, options, pool, tls, _closing.Token).ConfigureAwait(false);
            lock (_gate)
            {
                _connection = connection;
                _opening = null;
            }

            return connection;
        }
        catch (Exception failed)
        {
            NoteFailure();
            lock (_gate)
            {
                _opening = null;
            }

            if (failed is OperationCanceledException)
            {
                throw ConnectionFaults.Closed(address);
            }

            throw;
        }
    }

    private TimeSpan Rest()
    {
        lock (_gate)
        {
            if (_connection is not null || _notBefore == 0)
            {
                return TimeSpan.Zero;
            }

            var now = options.Clock.GetTimestamp();
            return now < _notBefore ? options.Clock.GetElapsedTime(now, _notBefore) : TimeSpan.Zero;
        }
    }

    private void NoteFailure()
    {
        lock (_gate)
        {
            _failures = Math.Min(_failures + 1, 30);
            var pause = Backoff.After(_failures, options.ReconnectBackoff, options.ReconnectBackoffMax, Jitter);
            _notBefore = options.Clock.GetTimestamp() + (long)(pause.TotalSeconds * options.Clock.TimestampFrequency);
        }
    }

    /// <summary>A request was answered over this slot's connection: the next failure begins with a short pause again.</summary>
    public void NoteSuccess()
    {
        if (Volatile.Read(ref _failures) == 0)
        {
            return;
        }

        lock (_gate)
        {
            _failures = 0;
            _notBefore = 0;
        }
    }
}
