namespace KafkaBackup.Engine.Storage;

/// <summary>
/// Whether trying again can help; put by stores into <see cref="Exception.Data"/> of what they throw, read by the retrying store.
/// </summary>
public static class StoreFault
{
    private const string TransientKey = "KafkaBackup.Transient";

    public static TException AsTransient<TException>(this TException exception)
        where TException : Exception
    {
        exception.Data[TransientKey] = true;
        return exception;
    }

    public static bool IsTransient(Exception exception) => exception.Data[TransientKey] is true;
}
