using System.Management.Automation;
using KafkaBackup.Formatting;

namespace KafkaBackup.Pipeline;

/// <summary>
/// An engine's exception as PowerShell's users know errors: id, category, target, and what to do next. What is shown of it is safe for a
/// terminal; the exception and the target object are exact.
/// </summary>
internal static class EngineError
{
    public static ErrorRecord From(Exception exception)
    {
        var error =
            exception as KafkaBackupException
            ?? ErrorIds.Unexpected.With($"Unexpected error: {exception.GetType().Name}: {exception.Message}", inner: exception);
        var record = new ErrorRecord(error, error.ErrorId, Category(error.Kind), error.TargetObject)
        {
            ErrorDetails = new ErrorDetails(Display.Message(error.Message)) { RecommendedAction = Display.Message(error.Advice) },
        };
        record.CategoryInfo.TargetName = Display.Text(record.CategoryInfo.TargetName);
        return record;
    }

    /// <summary>Each of our kinds has the name of one of PowerShell's categories; a test holds us to it.</summary>
    private static ErrorCategory Category(ErrorKind kind) => Enum.Parse<ErrorCategory>(kind.ToString());
}
