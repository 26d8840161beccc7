namespace KafkaBackup.Demo.Show;

/// <summary>What the demo claims, each with what was counted to know it. One that does not hold makes the demo fail.</summary>
internal sealed class ProofList
{
    private readonly List<(string Claim, bool Holds, string Evidence)> _proofs = [];

    public bool AllHold => _proofs.Count > 0 && _proofs.TrueForAll(p => p.Holds);

    public void Add(string claim, bool holds, string evidence) => _proofs.Add((claim, holds, evidence));

    public void Show(Screen screen) =>
        screen.Table(
            ["proven", "claim", "how it is known"],
            _proofs.Select(p => new object?[] { p.Holds ? "yes" : "NO", p.Claim, p.Evidence })
        );
}
