using System.Management.Automation;

namespace KafkaBackup.Pipeline;

/// <summary>An engine's exception as PowerShell's users know errors: id, category, target, and what to do next.</summary>
internal static class EngineError
{
    public static ErrorRecord From(Exception exception)
    {
        var error = exception as KafkaBackupException
            ?? ErrorIds.Unexpected.With($"Something went wrong that should not: {exception.GetType().Name}: {exception.Message}", inner: exception);
        return new ErrorRecord(error, error.ErrorId, Category(error.Kind), error.TargetObject)
        {
            ErrorDetails = new ErrorDetails(error.Message) { RecommendedAction = error.Advice },
        };
    }

    /// <summary>Each of our kinds has the name of one of PowerShell's categories; a test holds us to it.</summary>
    private static ErrorCategory Category(ErrorKind kind) => Enum.Parse<ErrorCategory>(kind.ToString());
}
