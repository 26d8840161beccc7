namespace KafkaBackup.Demo.Show;

/// <summary>Warnings and errors go on the screen, where they belong to the act that they come from; the rest would be noise here.</summary>
internal sealed class ScreenEvents(Screen screen) : IEngineEvents
{
    public void Verbose(string message) { }

    public void Warning(string message) => screen.Say($"Warning: {message}");

    public void Error(KafkaBackupException error) => screen.Say($"Error {error.ErrorId}: {error.Message} {error.Advice}");

    public void Progress(ProgressInfo progress) { }
}
