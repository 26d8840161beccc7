namespace KafkaBackup.Build;

/// <summary>A step of the build refuses to go on. Several messages when several things are wrong: all are told at once.</summary>
internal sealed class BuildStepException(params string[] messages) : Exception(string.Join(Environment.NewLine, messages))
{
    public IReadOnlyList<string> Messages { get; } = messages;
}
