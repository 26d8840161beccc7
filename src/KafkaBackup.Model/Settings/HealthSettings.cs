namespace KafkaBackup;

/// <summary>The HTTP endpoint for /health and /metrics; off by default.</summary>
public sealed record HealthSettings
{
    public bool Enabled { get; init; }
    public int Port { get; init; } = 9090;
    public string BindAddress { get; init; } = "127.0.0.1";
}
