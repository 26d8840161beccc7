namespace KafkaBackup;

/// <summary>A value that never shows itself: not in ToString, not in a debugger's list of properties, not in JSON.</summary>
public sealed class Secret(string value) : IEquatable<Secret>
{
    /// <summary>The only way to the text; call it where the text is handed to a library, nowhere else.</summary>
    public string Reveal() => value;

    public bool Equals(Secret? other) => other is not null && string.Equals(value, other.Reveal(), StringComparison.Ordinal);

    public override bool Equals(object? obj) => Equals(obj as Secret);

    public override int GetHashCode() => value.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => "********";
}
