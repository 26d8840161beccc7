using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Connections;

/// <summary>A request that was sent, or is being sent, and waits for its answer.</summary>
internal sealed class PendingAnswer(int correlationId, ApiKey api, bool taggedHeader, TimeSpan timeout)
{
    private readonly TaskCompletionSource<AnswerBuffer> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public int CorrelationId { get; } = correlationId;

    public ApiKey Api { get; } = api;

    /// <summary>Whether it belongs to the opening of a connection or to a login, whose answers are small.</summary>
    public bool IsOpening => Api is ApiKey.ApiVersions or ApiKey.SaslHandshake or ApiKey.SaslAuthenticate;

    /// <summary>Whether tagged fields stand between the correlation id and the body.</summary>
    public bool TaggedHeader { get; } = taggedHeader;

    public TimeSpan Timeout { get; } = timeout;

    /// <summary>Takes over the caller's reference to the buffer.</summary>
    public void Complete(AnswerBuffer buffer)
    {
        if (!_answer.TrySetResult(buffer))
        {
            buffer.Release();
        }
    }

    public void Fail(WireException fault) => _answer.TrySetException(fault.Again());

    /// <summary>
    /// The answer, whose reference the caller now holds. When the caller stops waiting, an answer that comes later is given back unread.
    /// </summary>
    public async Task<AnswerBuffer> WaitAsync(CancellationToken cancel)
    {
        try
        {
            return await _answer.Task.WaitAsync(cancel).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            if (!_answer.TrySetCanceled(CancellationToken.None) && _answer.Task.IsCompletedSuccessfully)
            {
                (await _answer.Task.ConfigureAwait(false)).Release();
            }

            throw;
        }
    }

    /// <summary>Nobody waits for a failure of a request that could not even be sent.</summary>
    public void Observe() => _ = _answer.Task.Exception;
}
